"""Patterns of the files of a data set: globs, and the ranges of WebDataset."""

import os
import re

from depthkit.errors import InputError
from depthkit.utils.image_files import match_parts
from depthkit.utils.storage import Place, StoredFile
from depthkit.utils.url_files import url_scheme

_MOST_NUMBERS = 1_000_000
_MAGIC = re.compile(r"[*?[{]")


def split_pattern(address: str) -> tuple[str, str]:
    """Divide an address into the folder that is to be listed and the pattern of the files in it.

    Args:
        address: a folder, a file, or a glob; ``**`` is any number of folders, ``{000..099}`` a range of numbers as
            WebDataset writes it, ``{a,b}`` one of these.

    Returns:
        The folder and the pattern, which is empty where there is none, and of a path that exists as it is written.
    """
    if url_scheme(address) is None and os.path.lexists(os.path.expanduser(address)):
        return address, ""
    head, question, options = address.partition("?") if url_scheme(address) else (address, "", "")
    if question and "=" not in options:  # a ? of a glob
        head, question, options = address, "", ""
    parts = head.split("/")
    first = next((number for number, part in enumerate(parts) if _MAGIC.search(part)), None)
    if first is None:
        return address, ""
    return ("/".join(parts[:first]) or ("/" if head.startswith("/") else ".")) + question + options, "/".join(
        parts[first:]
    )


def match(place: Place, pattern: str) -> list[StoredFile]:
    """Return the files of a place that match a pattern of `split_pattern`; list no deeper than it asks."""
    rules = [one.split("/") for one in expand_braces(pattern)]
    files = place.files(None if any("**" in rule for rule in rules) else max(map(len, rules)))
    plain = {"/".join(rule) for rule in rules if not any(_MAGIC.search(part) for part in rule)}
    globs = [rule for rule in rules if "/".join(rule) not in plain]
    return [
        file for file in files if file.name in plain or any(match_parts(file.name.split("/"), rule) for rule in globs)
    ]


def expand_braces(pattern: str) -> list[str]:
    """Write out ``{000..099}`` and ``{a,b}``."""
    found = re.search(r"\{([^{}]*)\}", pattern)
    if found is None:
        return [pattern]
    numbers = re.fullmatch(r"(\d+)\.\.(\d+)", found[1])
    if numbers:
        width = len(numbers[1])
        if int(numbers[2]) - int(numbers[1]) >= _MOST_NUMBERS:
            raise InputError(f"{pattern}: names more than {_MOST_NUMBERS:,} files; give a folder or a glob")
        words = [f"{number:0{width}d}" for number in range(int(numbers[1]), int(numbers[2]) + 1)]
    else:
        words = found[1].split(",")
    before, after = pattern[: found.start()], pattern[found.end() :]
    return [whole for word in words for whole in expand_braces(before + word + after)]
