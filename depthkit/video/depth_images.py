"""The depth of a video's frames as a folder of 16-bit PNG files."""

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from depthkit.errors import InputError
from depthkit.utils.disparity_png import write_disparity_png
from depthkit.utils.io import write_depth_png
from depthkit.utils.output_file import check_output_file
from depthkit.video.frame_depth import FrameDepth

_NAME = re.compile(r"\d{6,}\.png")


def check_image_folder(path: Path) -> None:
    """Check that a folder of frames can have the name `path`.

    Raises:
        InputError: it is a file, or a folder that holds something else, which would be lost.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError(f"{path}: is a file or a link; the folder of the frames goes there, remove it")
    if path.is_dir() and not all(_NAME.fullmatch(name) for name in os.listdir(path)):
        raise InputError(f"{path}: holds other files than frames; move them, or choose another output folder")


@contextlib.contextmanager
def depth_images(path: Path) -> Iterator[Callable[[FrameDepth], int]]:
    """Yield a function that writes a frame and returns how many pixels were beyond 65.535 m.

    Frame 12 is ``000012.png``. Depth is in millimetres; disparity goes from the frame's smallest to its largest, which
    stand in the text chunks.
    The folder exists when the block has ended without error; then it takes the place of an older one.

    Raises:
        InputError: see `check_image_folder`, or a file cannot be written.
    """
    check_image_folder(path)
    temporary = path.with_name(f".{secrets.token_hex(4)}")
    check_output_file(temporary)

    def write(frame: FrameDepth) -> int:
        file, result = temporary / f"{frame.index:06d}.png", frame.result
        text = {**result.describe(), "time": f"{float(frame.time):.6f}"}
        if result.kind == "metric":
            return write_depth_png(file, result.values, text)
        write_disparity_png(file, result.values, text)
        return 0

    try:
        temporary.mkdir()
        yield write
        if path.exists():
            shutil.rmtree(path)
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}); free some space") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
