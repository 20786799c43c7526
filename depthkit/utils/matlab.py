"""Small files of MATLAB 5.0: lists of indices, tables of names.

scipy's reader is not used, because a flipped bit in a file can crash the whole process there. The format is that of
"MAT-File Format" (MathWorks), Level 5.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from depthkit.errors import InputError
from depthkit.utils.input_files import check_file, decoding

_MAX_BYTES = 2**20  # of a file
_MAX_UNPACKED = 2**26  # [bytes], of a compressed variable
_DEEPEST = 20  # cells and structs in each other
_HEADER = 128  # [bytes]

# Types of data elements.
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_MATRIX, _COMPRESSED = 14, 15
_ENCODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
# Classes of arrays; 6 to 15 are numbers.
_CELL, _STRUCT, _CHAR, _FIRST_NUMBER, _LAST_NUMBER = 1, 2, 4, 6, 15
_COMPLEX = 0x0800  # a flag of arrays

Value = np.ndarray | str | list


def read_mat(path: Path, names: Sequence[str], expected: str) -> list[Value]:
    """Read some variables.

    Args:
        path: the file.
        names: of the variables.
        expected: what the file should be, for the message.

    Returns:
        For each name: numbers as an array, text as a str, a cell as the list of its values, and a struct as a list of
        dicts, one for each of its elements.

    Raises:
        InputError: the file is missing, damaged, of another kind or too large, or has no variable of a name.
    """
    check_file(path, expected)
    if (size := path.stat().st_size) > _MAX_BYTES:
        raise InputError(f"{path}: has {size} bytes, more than {_MAX_BYTES}; expected {expected}")
    with decoding(path, f"{expected}, MATLAB 5.0"):
        data = path.read_bytes()
        order = {b"IM": "<", b"MI": ">"}.get(data[_HEADER - 2 : _HEADER])
        if order is None or struct.unpack(f"{order}H", data[_HEADER - 4 : _HEADER - 2])[0] != 0x0100:
            raise ValueError("it does not begin as a file of MATLAB 5.0")
        found = {}
        for kind, content in _elements(data[_HEADER:], order):
            if kind == _COMPRESSED:
                kind, content = _next(_elements(_unpack(content), order))
            if kind == _MATRIX:
                name, parts = _open_matrix(content, order)
                if name in names:
                    found[name] = _read_value(parts, order, 0)
    if missing := [name for name in names if name not in found]:
        raise InputError(f"{path}: has no variable '{missing[0]}'; expected {expected}")
    return [found[name] for name in names]


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Yield type and content of the data elements, one after the other."""
    place = 0
    while place < len(data):
        kind, size = struct.unpack_from(f"{order}II", data, place)
        start = place + 8
        if kind >> 16:  # a small element: its size stands beside its type, and its content in place of the size
            kind, size, start = kind & 0xFFFF, kind >> 16, place + 4
            if size > 4:
                raise ValueError("an element has an impossible size")
        if start + size > len(data):
            raise ValueError("the file ends too early")
        yield kind, data[start : start + size]
        place = start + size
        if kind != _COMPRESSED:
            place += -place % 8


def _unpack(content: bytes) -> bytes:
    decompressor = zlib.decompressobj()
    try:
        unpacked = decompressor.decompress(content, _MAX_UNPACKED)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not decompressor.eof:  # cut, or too long: the checksum at its end was not compared
        raise ValueError("a compressed variable is cut or too long")
    return unpacked


def _open_matrix(content: bytes, order: str) -> tuple[str, tuple[int, tuple[int, ...], Iterator]]:
    """Return the name of an array, and its flags, its shape and its further elements."""
    parts = _elements(content, order)
    flags = struct.unpack(f"{order}II", _expect(parts, 6))[0]
    shape = _numbers(5, _expect(parts, 5), order)
    if (shape < 0).any():
        raise ValueError("an array has an impossible shape")
    name = _expect(parts, 1).decode("latin-1")
    return name, (flags, tuple(shape.tolist()), parts)


def _read_value(matrix: tuple[int, tuple[int, ...], Iterator], order: str, depth: int) -> Value:
    flags, shape, parts = matrix
    kind, count = flags & 0xFF, int(np.prod(shape, dtype=object))
    if depth > _DEEPEST:
        raise ValueError("arrays are nested too deeply")
    if _FIRST_NUMBER <= kind <= _LAST_NUMBER:
        values = [_read_numbers(parts, order, shape) for _ in range(2 if flags & _COMPLEX else 1)]
        if not flags & _COMPLEX:
            return values[0]
        both = values[0].astype(complex)
        both.imag = values[1]  # 1j * infinity would make the real part NaN
        return both
    if kind == _CHAR:
        element, content = _next(parts)
        suffix = {"<": "-le", ">": "-be"}[order] if element in (4, 17, 18) else ""
        return content.decode(_ENCODINGS[element] + suffix)
    if kind == _CELL:
        return [_read_inner(parts, order, depth) for _ in range(count)]
    if kind == _STRUCT:
        length = int(_numbers(5, _expect(parts, 5), order)[0])
        text = _expect(parts, 1).decode("latin-1")
        if length <= 0:
            raise ValueError("a struct has fields without a name")
        fields = [text[start : start + length].partition("\0")[0] for start in range(0, len(text), length)]
        return [{field: _read_inner(parts, order, depth) for field in fields} for _ in range(count)]
    raise ValueError(f"an array is of class {kind}, which is neither numbers nor text, cell or struct")


def _read_inner(parts: Iterator, order: str, depth: int) -> Value:
    content = _expect(parts, _MATRIX)
    return _read_value(_open_matrix(content, order)[1], order, depth + 1) if content else np.zeros(0)


def _read_numbers(parts: Iterator, order: str, shape: tuple[int, ...]) -> np.ndarray:
    return _numbers(*_next(parts), order).reshape(shape, order="F")


def _numbers(kind: int, content: bytes, order: str) -> np.ndarray:
    if kind not in _NUMBERS:
        raise ValueError(f"numbers are of type {kind}")
    return np.frombuffer(content, np.dtype(_NUMBERS[kind]).newbyteorder(order))


def _expect(parts: Iterator, wanted: int) -> bytes:
    kind, content = _next(parts)
    if kind != wanted:
        raise ValueError(f"an element is of type {kind}")
    return content


def _next(parts: Iterator) -> tuple[int, bytes]:
    found = next(parts, None)
    if found is None:
        raise ValueError("an array has too few elements")
    return found
