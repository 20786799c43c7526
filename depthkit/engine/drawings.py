"""The drawings of a training: the same images at each validation, ``vis/<name>_iter_<iteration>.png``."""

from pathlib import Path

import numpy as np
from mmengine.runner import Runner
from PIL import Image, ImageDraw, ImageFont

from depthkit.utils.io import read_rgb, write_rgb

FOLDER = "vis"
_DRAWN = "drawn_iterations"  # in the message hub: an earlier training may have left others in the folder
_MAX_ROWS = 8
_ROW_HEIGHT, _LABEL_WIDTH, _FONT = 280, 120, 16  # [px]


def drawing_path(work_dir: str | Path, name: str, iteration: int) -> Path:
    """Return the file of a drawing."""
    return Path(work_dir) / FOLDER / f"{name}_iter_{iteration:07d}.png"


def note_drawn(runner: Runner) -> None:
    """Note that there are drawings of this iteration."""
    known = drawn_iterations(runner)
    if runner.iter not in known:
        runner.message_hub.update_info(_DRAWN, [*known, runner.iter])


def drawn_iterations(runner: Runner) -> list[int]:
    """Return the iterations of this training, resumed or not, of which there are drawings."""
    return [one for one in runner.message_hub.runtime_info.get(_DRAWN, []) if one <= runner.iter]


def drawn_images(work_dir: str | Path, iteration: int) -> dict[str, Path]:
    """Return the drawings of an iteration by the name of the image, sorted."""
    ending = f"_iter_{iteration:07d}.png"
    found = sorted((Path(work_dir) / FOLDER).glob(f"val_*{ending}"))
    return {path.name.removesuffix(ending): path for path in found}


def draw_over_epochs(runner: Runner) -> list[Path]:
    """Put the drawings of each image below each other in ``vis/<name>_over_epochs.png``.

    There are `_MAX_ROWS` at most: the first, the last, and others spread evenly over the training.

    Returns:
        The files; none where fewer than two iterations were drawn.
    """
    iterations, length = drawn_iterations(runner), len(runner.train_dataloader)
    if len(iterations) < 2:
        return []
    places = np.linspace(0, len(iterations) - 1, min(_MAX_ROWS, len(iterations))).round().astype(int)
    chosen = [(iterations[place], drawn_images(runner.work_dir, iterations[place])) for place in places]
    written = []
    for name in chosen[-1][1]:
        rows = [
            _row(read_rgb(images[name]), iteration / length, iteration)
            for iteration, images in chosen
            if name in images
        ]
        width = max(row.shape[1] for row in rows)
        sheet = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
        written.append(Path(runner.work_dir) / FOLDER / f"{name}_over_epochs.png")
        write_rgb(written[-1], np.concatenate(sheet))
    return written


def _row(drawing: np.ndarray, epoch: float, iteration: int) -> np.ndarray:
    """Return a drawing of a moderate height with the time at its left."""
    image = Image.fromarray(drawing)
    if image.height > _ROW_HEIGHT:
        image = image.resize((round(image.width * _ROW_HEIGHT / image.height), _ROW_HEIGHT), Image.Resampling.LANCZOS)
    row = Image.new("RGB", (_LABEL_WIDTH + image.width, image.height), "white")
    row.paste(image, (_LABEL_WIDTH, 0))
    ImageDraw.Draw(row).multiline_text(
        (_LABEL_WIDTH // 2, image.height // 2),
        f"epoch {epoch:.4g}\niteration\n{iteration}",
        "black",
        ImageFont.load_default(_FONT),
        anchor="mm",
        align="center",
    )
    return np.asarray(row)
