"""Folders for results, made and checked before the work that fills them."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from depthkit.errors import InputError


def check_output_folder(path: str | Path) -> None:
    """Check that a folder can be made and written to; it is not made yet.

    Raises:
        InputError: see `make_output_folder`.
    """
    for above in (Path(path).absolute(), *Path(path).absolute().parents):
        if os.path.lexists(above):
            with _told_of(path):
                if not above.is_dir():
                    raise NotADirectoryError
                with tempfile.TemporaryFile(dir=above):
                    pass
            return


def make_output_folder(path: str | Path) -> Path:
    """Make a folder with its parents, unless it exists, and check that files can be written to it.

    Raises:
        InputError: the folder cannot be made or written to, or a file has that name.
    """
    path = Path(path)
    with _told_of(path):
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    return path


@contextmanager
def _told_of(path: str | Path) -> Iterator[None]:
    """Turn what the disk has against a folder, inside the block, into one sentence."""
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{path}: is not a folder, or lies below a file; choose another output folder") from error
    except OSError as error:
        raise InputError(
            f"{path}: cannot be made or written to ({error.strerror}); choose an output folder that can be"
        ) from error
