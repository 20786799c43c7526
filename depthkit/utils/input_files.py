"""What may be read: regular files alone, and no more than memory has room for.

Everything that opens a file of the user asks `check_file` first: opening a FIFO waits for a writer that never comes,
and a device has no end. Sizes that a file declares are checked before memory is taken for them.
"""

import contextlib
import math
import os
import re
import stat
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from tokenize import TokenError

from depthkit.errors import InputError

# The most pixels of an image or a depth map that are read. `depthkit predict` takes 11 bytes for each, 2 GB for these;
# the largest cameras have 150 megapixels.
MAX_PIXELS = 190_000_000
MAX_TEXT = 64 * 2**20  # [bytes], of a list, a config or a JSON

# What the decoders of Pillow, numpy, scipy and HDF5 raise on damaged or crafted files, besides OSError.
_DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, RuntimeError, MemoryError,
    ArithmeticError, AssertionError, TokenError, struct.error,
)  # fmt: skip
_OBJECT = re.compile(r"<[^<>]* object at 0x[0-9a-f]+>")


def check_file(path: str | os.PathLike, expected: str) -> Path:
    """Return `path` if it is a regular file, or a link to one, that is not empty.

    Args:
        path: the file.
        expected: what it should be, for the message: "an image".

    Raises:
        InputError: it is anything else.
    """
    path = Path(path)
    try:
        status = path.stat()
    except FileNotFoundError as error:
        what = "is a broken link" if path.is_symlink() else "no such file"
        raise InputError(f"{path}: {what}; expected {expected}") from error
    except PermissionError as error:
        raise InputError(f"{path}: cannot be read; change its permissions") from error
    except (OSError, ValueError) as error:  # a loop of links, a name that is too long or has a null byte
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{str(path)[:200]!r}: is not a file ({reason}); expected {expected}") from error
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{path}: is a folder; expected {expected}")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path}: is not a regular file but a {_kind(status.st_mode)}; expected {expected}")
    if not status.st_size:
        raise InputError(f"{path}: is empty; expected {expected}")
    return path


def check_pixels(shape: Sequence[int], item_bytes: int, name: str | os.PathLike) -> None:
    """Check the size that a file declares, before memory is taken for it.

    Args:
        shape: of the image or map.
        item_bytes: of a value; what takes more than 4 counts accordingly.
        name: of the file.

    Raises:
        InputError: it has more than `MAX_PIXELS`.
    """
    pixels = math.prod(shape)
    if pixels * max(1, item_bytes / 4) > MAX_PIXELS:
        each = f" of {item_bytes} bytes" if item_bytes > 4 else ""
        raise InputError(
            f"{name}: has {pixels / 1e6:.4g} megapixels{each} ({' x '.join(map(str, shape))}); depthkit reads "
            f"{MAX_PIXELS * min(1, 4 / max(1, item_bytes)) / 1e6:g} at most, so make it smaller"
        )


@contextlib.contextmanager
def decoding(path: str | os.PathLike, expected: str, part: str = "") -> Iterator[None]:
    """Check the file at `path`, and turn whatever a decoder raises inside into an `InputError` about it.

    Args:
        path: the file.
        expected: see `check_file`.
        part: of the file, for the message: "#12".
    """
    check_file(path, expected)
    try:
        yield
    except InputError:
        raise
    except PermissionError as error:
        raise InputError(f"{path}: cannot be read; change its permissions") from error
    except _DECODER_ERRORS as error:
        reason = _OBJECT.sub("an object", " ".join(str(error).split()))[:200] or type(error).__name__
        raise InputError(f"{path}{part}: is damaged ({reason}); expected {expected}, get or write it again") from error


def read_text(path: str | os.PathLike, expected: str) -> str:
    """Read a text file of at most `MAX_TEXT` bytes as UTF-8, with or without a byte order mark.

    Args:
        path: the file.
        expected: see `check_file`.

    Raises:
        InputError: it cannot be read, is too large, or is not text.
    """
    path = check_file(path, expected)
    if (size := path.stat().st_size) > MAX_TEXT:
        raise InputError(f"{path}: has {size / 2**20:.0f} MiB, more than {MAX_TEXT // 2**20}; expected {expected}")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not text in UTF-8; expected {expected}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); change its permissions") from error


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "FIFO", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}
    return kinds.get(stat.S_IFMT(mode), "special file")
