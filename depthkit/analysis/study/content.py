"""What a config and the weights that it names hold, so that a study notices when a file has changed."""

import hashlib
import json
import os
from collections.abc import Iterator
from typing import Any

from depthkit.utils.config import config_to_plain, load_config
from depthkit.utils.input_files import check_file

# Late in the alphabet, so that what differs is named by an option where it can be.
CONFIG, WEIGHTS = "values of the config", "values of its weights"


def content_of(config: str, options: dict[str, Any]) -> dict[str, str]:
    """Return SHA-256 sums of the values of a config and of the files of weights that it names.

    Args:
        config: name or path.
        options: changes of it, without those that name the lists of a fold: a study may be moved.

    Raises:
        InputError: the config, an option or a file cannot be read.
    """
    plain = config_to_plain(load_config(config, options))
    files = {text for text in _texts([plain.get("model"), plain.get("load_from")]) if os.path.isfile(text)}
    sums = hashlib.sha256()
    for path in sorted(files):
        sums.update(hashlib.sha256(check_file(path, "a file of weights").read_bytes()).digest())
    values = json.dumps(plain, sort_keys=True).encode()
    return {CONFIG: hashlib.sha256(values).hexdigest(), **({WEIGHTS: sums.hexdigest()} if files else {})}


def _texts(value: Any) -> Iterator[str]:
    """Yield the text in nested dicts and lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)
