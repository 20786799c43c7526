"""PNG files written in blocks of rows, which take no memory beside that of the image."""

import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

import numpy as np
from PIL.PngImagePlugin import PngInfo

from depthkit.utils.output_file import atomic_path

_BLOCK = 2**20  # [px]
_LEVEL = 3  # of zlib: half the time of the default, a tenth larger
_GREY, _RGB = 0, 2  # colour types of PNG
_SUB, _UP = 1, 2  # filters of PNG


def write_png(
    path: str | os.PathLike, shape: tuple[int, ...], blocks: Iterable[np.ndarray], text: Mapping[str, str]
) -> None:
    """Write an image.

    Args:
        path: the file.
        shape: of the image: (H, W, 3) is RGB of 8 bits, (H, W) is grey of 16 bits.
        blocks: the image's rows from top to bottom, uint8 or uint16 (h, W[, 3]) for `row_blocks` of the shape.
        text: goes into the text chunks, by name.

    Raises:
        InputError: the file cannot be written.
    """
    chunks = PngInfo()
    for key, value in text.items():
        chunks.add_text(key, value)
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        stream.write(b"\x89PNG\r\n\x1a\n")
        bits, color = (8, _RGB) if len(shape) == 3 else (16, _GREY)
        _write_chunk(stream, b"IHDR", struct.pack(">IIBBBBB", shape[1], shape[0], bits, color, 0, 0, 0))
        for name, data, *_ in chunks.chunks:
            _write_chunk(stream, name, data)
        compressor = zlib.compressobj(_LEVEL)
        above = None
        for block in blocks:
            big_endian = np.ascontiguousarray(block, dtype=block.dtype.newbyteorder(">"))
            rows = big_endian.view(np.uint8).reshape(len(block), -1)
            if data := compressor.compress(_filtered(rows, above, rows.shape[1] // shape[1])):
                _write_chunk(stream, b"IDAT", data)
            above = rows[-1]
        _write_chunk(stream, b"IDAT", compressor.flush())
        _write_chunk(stream, b"IEND", b"")


def row_blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield slices that divide the rows of an image (H, W, ...) into blocks of a moderate size."""
    rows = max(1, _BLOCK // max(1, shape[1]))
    for top in range(0, shape[0], rows):
        yield slice(top, min(top + rows, shape[0]))


def _filtered(rows: np.ndarray, above: np.ndarray | None, pixel: int) -> np.ndarray:
    """Replace bytes by differences, which compress better, in each row by the better filter.

    Args:
        rows: bytes (h, N).
        above: the row before them (N,), None at the top.
        pixel: bytes of a pixel.

    Returns:
        Bytes (h, 1 + N), each row after the number of its filter.
    """
    sub, up = rows.copy(), rows.copy()
    sub[:, pixel:] -= rows[:, :-pixel]
    up[1:] -= rows[:-1]
    if above is not None:
        up[0] -= above
    sizes = [np.minimum(one, -one).sum(axis=1, dtype=np.int64) for one in (sub, up)]
    filtered = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = np.where(sizes[1] < sizes[0], _UP, _SUB)
    filtered[:, 1:] = np.where((sizes[1] < sizes[0])[:, None], up, sub)
    return filtered


def _write_chunk(stream: BinaryIO, name: bytes, data: bytes) -> None:
    stream.write(struct.pack(">I", len(data)) + name)
    stream.write(data)
    stream.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(name))))
