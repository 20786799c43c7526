"""Convert the labelled `.mat` to sync folders, which load faster and which other toolkits read too."""

import contextlib
import json
import os
import re
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from depthkit.datasets.nyu.mat import DEPTH_VARIABLES, Depth, LabelledMat, read_splits
from depthkit.errors import InputError
from depthkit.utils.io import write_depth_png, write_rgb
from depthkit.utils.output_file import atomic_path
from depthkit.utils.output_folder import make_output_folder

# Says what a folder was converted from, so that another data set's frames are never mixed in.
RECORD_NAME = "conversion.json"
NO_SCENE = "labelled"  # the folder of frames whose scene the .mat does not name


class Conversion(NamedTuple):
    """What a conversion did.

    Attributes:
        written: pairs written now.
        kept: pairs that existed already.
        saturated: depth pixels beyond 65.535 m, written as that.
    """

    written: int
    kept: int
    saturated: int


def convert_mat(mat_path: Path, splits_path: Path, out: Path, depth: Depth = "raw") -> Conversion:
    """Write the frames of a labelled `.mat` to `out` as sync folders, with `train.txt` and `test.txt`.

    Frame k (from 0) becomes ``scene/rgb_k.png`` and ``scene/sync_depth_k.png`` (uint16, millimetres). Images are PNG,
    unlike BTS's JPEG, so that all forms give the same pixels and figures. The source is only read. An interrupted
    conversion resumes where it stopped; the lists are written last, so a folder with lists is complete.

    Args:
        mat_path: the labelled `.mat`.
        splits_path: `splits.mat`.
        out: a new or empty folder, or that of an interrupted conversion of the same file.
        depth: ``raw`` or ``filled``.

    Raises:
        InputError: a damaged source, a folder with other content, or a full disk.
    """
    frames = LabelledMat(mat_path, depth)
    splits = read_splits(splits_path, len(frames))
    scenes = _scene_folders(frames)
    if os.path.realpath(out) == os.path.dirname(os.path.realpath(mat_path)):
        raise InputError(f"{out}: is the source's own folder; choose another one for the converted data")
    _claim_folder(out, mat_path, depth)
    written = kept = saturated = 0
    lines: dict[int, str] = {}
    for index in tqdm(sorted(splits["train"] + splits["test"]), desc="converting", unit="pair", disable=None):
        rgb = f"{scenes[index]}/rgb_{index:05d}.png"
        depth_map = f"{scenes[index]}/sync_depth_{index:05d}.png"
        lines[index] = f"{rgb} {depth_map} {frames.focal:.4f}"
        if (out / rgb).is_file() and (out / depth_map).is_file():
            kept += 1
            continue
        frame = frames.read(index)
        make_output_folder((out / rgb).parent)
        write_rgb(out / rgb, frame.image)
        saturated += write_depth_png(out / depth_map, frame.depth)
        written += 1
    for split, indices in splits.items():
        with atomic_path(out / f"{split}.txt") as temporary:
            temporary.write_text("".join(f"{lines[index]}\n" for index in indices), encoding="utf-8")
    return Conversion(written, kept, saturated)


def _scene_folders(frames: LabelledMat) -> list[str]:
    scenes = frames.scenes()
    if scenes is None:
        return [NO_SCENE] * len(frames)
    bad = [scene for scene in scenes if not re.fullmatch(r"[A-Za-z0-9_-]+", scene)]
    if bad or len(scenes) != len(frames):
        reason = f"a scene is called {bad[0]!r}" if bad else f"it has {len(scenes)} scenes"
        raise InputError(f"{frames.path}: {reason}; expected a name such as kitchen_0004 for each frame")
    return scenes


def _claim_folder(out: Path, mat_path: Path, depth: Depth) -> None:
    """Make `out` and record in it what is converted; raise `InputError` if it has other content."""
    status = mat_path.stat()
    record = {"source": mat_path.name, "bytes": status.st_size, "variable": DEPTH_VARIABLES[depth]}
    path = out / RECORD_NAME
    if path.is_file():
        with contextlib.suppress(OSError, ValueError):
            if json.loads(path.read_text(encoding="utf-8")) == record:
                return
        raise InputError(f"{out}: contains another conversion ({path}); choose an empty folder")
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out}: contains other files; choose an empty folder for the converted data")
    make_output_folder(out)
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
