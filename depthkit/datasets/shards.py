"""Images in tar files, as WebDataset writes them: listed once, then read where they lie."""

import os
import tarfile
from pathlib import Path

import numpy as np

from depthkit.errors import InputError
from depthkit.utils.image_decoding import decode_rgb, open_image
from depthkit.utils.image_files import IMAGE_SUFFIXES
from depthkit.utils.input_files import check_file


def list_shard(shard: Path) -> dict[Path, dict]:
    """List the images in a tar file, which must not be compressed.

    Only the headers are read.

    Args:
        shard: the file.

    Returns:
        By `shard` joined with their names: what `read_member` takes, as plain data. May be empty.

    Raises:
        InputError: the file is not a tar file, is compressed, or is damaged.
    """
    check_file(shard, "a tar file")
    try:
        with tarfile.open(shard, "r:") as file:
            return {
                shard / member.name: {"shard": os.fspath(shard), "offset": member.offset_data, "size": member.size}
                for member in file
                if member.isfile() and os.path.splitext(member.name)[1].lower() in IMAGE_SUFFIXES
            }
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(f"{shard}: cannot be read ({error}); expected a tar file that is not compressed") from error


def read_member(name: str, shard: str, offset: int, size: int) -> np.ndarray:
    """Read an image of a tar file as uint8 RGB (H, W, 3), as `read_rgb` does.

    Args:
        name: of the image, for the error.
        shard: the tar file.
        offset: [bytes], where the image begins in it.
        size: [bytes], of the image.

    Raises:
        InputError: the tar file cannot be read, or the image is damaged.
    """
    check_file(shard, "a tar file")
    try:
        with open(shard, "rb") as file:
            file.seek(offset)
            content = file.read(size)
    except OSError as error:
        raise InputError(f"{shard}: cannot be read ({error.strerror})") from error
    with open_image(shard, content, name.removeprefix(shard)) as image:
        return decode_rgb(image, name)
