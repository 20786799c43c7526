"""What a study has written, read again."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from depthkit.errors import InputError
from depthkit.utils.input_files import read_text


def read_json(path: Path, keys: Sequence[str], advice: str) -> dict[str, Any]:
    """Read a file of JSON with one object, in which `keys` name objects.

    Args:
        path: of the file.
        keys: that it must have.
        advice: what to do where it cannot be used.

    Raises:
        InputError: it cannot be read, or has not these.
    """
    try:
        content = json.loads(read_text(path, "a file of JSON"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON ({error}); {advice}") from error
    for key in keys:
        if not isinstance(content, dict) or not isinstance(content.get(key), dict):
            raise InputError(f"{path}: has no {key}; {advice}")
    return content
