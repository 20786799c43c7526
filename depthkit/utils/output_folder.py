"""Folders for results, made and checked before the work that fills them."""

import tempfile
from pathlib import Path

from depthkit.errors import InputError


def make_output_folder(path: str | Path) -> Path:
    """Make a folder with its parents, unless it exists, and check that files can be written to it.

    Raises:
        InputError: the folder cannot be made or written to, or a file has that name.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{path}: is not a folder, or lies below a file; choose another output folder") from error
    except OSError as error:
        raise InputError(
            f"{path}: cannot be made or written to ({error.strerror}); choose an output folder that can be"
        ) from error
    return path
