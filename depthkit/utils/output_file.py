"""Result files: checked before the work whose result they are, and complete or not there at all."""

import contextlib
import io
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from depthkit.errors import InputError
from depthkit.utils.output_folder import make_output_folder

_NAME_LIMIT = 255  # bytes, where the file system does not say
_PATH_LIMIT = 4096  # bytes, of what Linux takes in one call
_LONGEST_SUFFIX = 16  # longer ones say nothing to a writer


def check_output_file(path: str | os.PathLike) -> None:
    """Make the folder of the file `path`, and check that the file can be written there.

    Raises:
        InputError: the folder cannot be made or written to; or see `check_file_name`.
    """
    make_output_folder(Path(path).absolute().parent)
    check_file_name(path)


def check_file_name(path: str | os.PathLike) -> None:
    """Check that a regular file can have the name `path`, in a folder that exists.

    Raises:
        InputError: the name is too long for the file system, or a folder, a device or a pipe has it.
    """
    path = Path(path)
    name, whole = len(os.fsencode(path.name)), len(os.fsencode(path))
    most = _longest_name(path.parent)
    if name > most or whole >= _PATH_LIMIT:
        size, most = (name, most) if name > most else (whole, _PATH_LIMIT - 1)
        raise InputError(f"{path}: this name takes {size} bytes, and the file system {most} at most; use a shorter one")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the name of a file")
    if path.exists() and not path.is_file():
        raise InputError(
            f"{path}: is a device or a pipe, which a result would replace; give the name of a regular file"
        )


def shorten(name: str, most: int) -> str:
    """Return the beginning of `name` that takes `most` bytes at most, for the name of a file."""
    return os.fsencode(name)[:most].decode(errors="ignore")


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path (same folder and suffix) that becomes `path` if the block ends without error.

    On any error the temporary file is removed and an older file at `path` stays.

    Raises:
        InputError: no space left, a read-only or missing folder, whatever the writer in the block made of it; or see
            `check_file_name`.
    """
    path = Path(path)
    check_file_name(path)
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= _LONGEST_SUFFIX else ""
    temporary = path.with_name(f".{secrets.token_hex(4)}{suffix}")  # without the stem, which may fill the name
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException as error:
        reason = _disk_error(error, temporary)
        with contextlib.suppress(OSError):
            temporary.unlink()
        if reason is None:
            raise
        raise InputError(
            f"{path}: cannot be written ({reason.strerror or reason}); free some space or choose an output folder that "
            "exists and can be written to"
        ) from error


@contextlib.contextmanager
def stream_to(path: str | os.PathLike) -> Iterator[io.RawIOBase]:
    """Yield a new file for torch's writers, which abort the process where a write to the disk fails.

    Raises:
        OSError: what the first write that failed met, at the end of the block.
    """
    with open(path, "wb") as file:
        stream = _Stream(file)
        yield stream
        if stream.error is not None:
            raise stream.error


class _Stream(io.RawIOBase):
    """Writes to a file until that fails, then nowhere; the first error is kept."""

    def __init__(self, file: io.BufferedWriter) -> None:
        self.error: OSError | None = None
        self._file = file

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True  # torch.export.save asks, and does not seek

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def write(self, data: bytes) -> int:
        try:
            if self.error is None:
                self._file.write(data)
        except OSError as error:
            self.error = error
        return len(data)


def _longest_name(folder: Path) -> int:
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (OSError, ValueError):
        return _NAME_LIMIT


def _disk_error(error: BaseException, temporary: Path) -> OSError | None:
    """Return what the disk has against the file `temporary`, None if `error` has another cause.

    Writers that are not Python's raise errors of their own for a full disk: one more write tells.
    """
    if isinstance(error, OSError):
        return error
    if isinstance(error, InputError) or not isinstance(error, Exception):
        return None
    try:
        with open(temporary, "ab") as file:
            file.write(bytes(1 << 16))
    except OSError as found:
        return found
    return None
