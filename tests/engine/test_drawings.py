"""The drawings of a training below each other."""

from types import SimpleNamespace

import numpy as np
from mmengine.logging import MessageHub

from depthkit.engine.drawings import draw_over_epochs, drawing_path, drawn_images, drawn_iterations, note_drawn
from depthkit.utils.io import read_rgb, write_rgb


def runner(folder, *iterations, name="val_0000_a", height=8):
    made = SimpleNamespace(work_dir=folder, iter=0, message_hub=MessageHub("test"), train_dataloader=range(10))
    (folder / "vis").mkdir(exist_ok=True)
    for made.iter in iterations:
        write_rgb(drawing_path(folder, name, made.iter), np.full((height, 12, 3), made.iter, np.uint8))
        note_drawn(made)
        note_drawn(made)  # as when a validation is repeated
    return made


def rows(path) -> list[int]:
    return list(dict.fromkeys(read_rgb(path)[:, -1, 0].tolist()))


def test_the_first_the_last_and_some_between(tmp_path) -> None:
    made = runner(tmp_path, *range(10, 210, 10))
    assert drawn_iterations(made) == list(range(10, 210, 10))
    (path,) = draw_over_epochs(made)
    assert path.name == "val_0000_a_over_epochs.png"
    assert rows(path) == [10, 40, 60, 90, 120, 150, 170, 200]
    assert list(drawn_images(tmp_path, 200)) == ["val_0000_a"]


def test_one_drawing_is_no_comparison(tmp_path) -> None:
    assert draw_over_epochs(runner(tmp_path, 10)) == [] == draw_over_epochs(runner(tmp_path))


def test_drawings_that_are_gone_or_of_another_size(tmp_path) -> None:
    made = runner(tmp_path, 10, 20, 30)
    write_rgb(drawing_path(tmp_path, "val_0000_a", 30), np.full((900, 1000, 3), 30, np.uint8))
    drawing_path(tmp_path, "val_0000_a", 20).unlink()
    (path,) = draw_over_epochs(made)
    sheet = read_rgb(path)
    assert sheet.shape[0] == 8 + 280
    assert (sheet[4, 120:132] == 10).all() and (sheet[4, 140:] == 255).all()
