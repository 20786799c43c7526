"""Small files of MATLAB 5.0, such as lists of indices."""

from collections.abc import Sequence
from pathlib import Path

from depthkit.errors import InputError
from depthkit.utils.input_files import check_file

_MAX_BYTES = 2**20  # of a file, which is compressed by a factor of 1000 at most


def read_mat(path: Path, names: Sequence[str], expected: str) -> list:
    """Read some variables as scipy gives them.

    Args:
        path: the file.
        names: of the variables.
        expected: what the file should be, for the message.

    Raises:
        InputError: the file is missing, damaged, of another kind or too large, or has no variable of a name.
    """
    from scipy.io import loadmat

    check_file(path, expected)
    if (size := path.stat().st_size) > _MAX_BYTES:
        raise InputError(f"{path}: has {size} bytes, more than {_MAX_BYTES}; expected {expected}")
    try:
        variables = loadmat(path, variable_names=list(names), squeeze_me=True)
    except Exception as error:  # scipy raises a dozen types on damaged files, zlib's among them
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path}: is not a valid MATLAB 5.0 file ({reason}); expected {expected}") from error
    if missing := [name for name in names if name not in variables]:
        raise InputError(f"{path}: has no variable '{missing[0]}'; expected {expected}")
    return [variables[name] for name in names]
