"""Open files of video: nothing but containers of moving images, which name no other file."""

import os
from pathlib import Path

from depthkit.video.sources import load_av

# FFmpeg knows some 400 more by their content. Lists (concat, hls, dash, sdp) open the files that they name.
_FORMATS = ("mov", "matroska", "webm", "avi", "flv", "mpegts", "mpeg", "mpegvideo", "m4v", "ogg", "asf")


def open_container(path: Path) -> object:
    """Return the container of PyAV that a file holds, whatever its name ends in.

    Raises:
        InputError: PyAV is not installed.
        av.FFmpegError: the file is none of them.
    """
    options = {"format_whitelist": ",".join(_FORMATS), "protocol_whitelist": "file"}
    # An absolute path, or "concat:a.mp4" would be a protocol.
    return load_av().open(os.path.abspath(path), options=options, metadata_errors="replace")
