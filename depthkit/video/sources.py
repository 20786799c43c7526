"""What is a video and what is a camera, by name; without PyAV or torch, so that commands ask first."""

import os
import re
from pathlib import Path
from types import ModuleType

from depthkit.errors import InputError

VIDEO_SUFFIXES = frozenset(
    {
        ".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".vob",
        ".webm", ".wmv",
    }
)  # fmt: skip
VIDEO_OUTPUTS = ("colored", "side_by_side")
_CAMERA = re.compile(r"camera:(\d{1,3})")


def is_video(name: str | os.PathLike) -> bool:
    """Tell whether a file is a video, by its suffix."""
    return os.path.splitext(os.fspath(name))[1].lower() in VIDEO_SUFFIXES


def camera_index(name: str | os.PathLike) -> int | None:
    """Return 0 of ``camera:0``, None of any other name."""
    match = _CAMERA.fullmatch(os.fspath(name))
    return int(match[1]) if match else None


def video_stem(source: str | os.PathLike) -> str:
    """Return how the names of the results of a video begin: its own name, or ``camera0``."""
    index = camera_index(source)
    return Path(source).stem if index is None else f"camera{index}"


def load_av() -> ModuleType:
    """Return PyAV.

    Raises:
        InputError: it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise InputError("videos need PyAV: pip install 'depthkit[video]'") from error
    return av
