"""Whether the result of an earlier run is complete, found out at the ends of its file."""

import os
import re
import struct
from pathlib import Path

import numpy as np

_END_OF_PNG = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_PLY_VERTEX = 15  # [bytes], of `write_point_cloud_ply`
_PLY_HEADER = 64 * 2**10  # [bytes], more than one has


def is_complete(path: Path) -> bool:
    """Tell whether a result is there with all its bytes.

    depthkit writes a file under another name and renames it at the end, but a machine that lost its power, or a copy
    that was interrupted, may leave a shorter one. TIFF and EXR do not say how long they are: there they count as
    complete.
    """
    try:
        if not path.is_file() or not (size := path.stat().st_size):
            return False
        with path.open("rb") as file:
            if path.suffix == ".png":
                file.seek(-min(size, len(_END_OF_PNG)), os.SEEK_END)
                return file.read() == _END_OF_PNG
            if path.suffix == ".npy":
                np.lib.format.read_magic(file)
                shape, _, dtype = np.lib.format.read_array_header_1_0(file)
                return size == file.tell() + dtype.itemsize * int(np.prod(shape))
            if path.suffix == ".glb":
                return struct.unpack("<4sII", file.read(12))[2] == size
            if path.suffix == ".ply":
                header, end, _ = file.read(_PLY_HEADER).partition(b"end_header\n")
                count = re.search(rb"element vertex (\d+)", header)
                return bool(end and count) and size == len(header + end) + _PLY_VERTEX * int(count[1])
    except (OSError, ValueError, struct.error):
        return False
    return True
