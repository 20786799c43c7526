"""Split lists: text files that name the pairs of a split, one per line."""

import re
from pathlib import Path
from typing import NamedTuple

from depthkit.errors import InputError
from depthkit.utils.input_files import read_text

_LONGEST = 1000  # letters of a path


class SplitLine(NamedTuple):
    """One line of a split list.

    Attributes:
        number: the line's number, from 1.
        columns: its columns; paths are relative, without a leading '/'.
    """

    number: int
    columns: list[str]


def read_split_list(path: Path) -> list[SplitLine]:
    """Read a split list without its blank lines; the leading '/' of BTS's paths is dropped.

    Raises:
        InputError: the file is missing, empty or not text, or a path leads outside the data folder with '..'.
    """
    text = read_text(path, "a split list with lines 'rgb depth'")
    lines = []
    for number, line in enumerate(text.splitlines(), start=1):
        columns = [column.lstrip("/") for column in line.split()]
        for column in columns:
            if len(column) > _LONGEST:
                raise InputError(f"{path}, line {number}: has a name of {len(column)} letters; expected 'rgb depth'")
            if ".." in re.split(r"[\\/]", column):
                raise InputError(
                    f"{path}, line {number}: '{column}' is outside the data folder; paths must not contain '..'"
                )
        if columns:
            lines.append(SplitLine(number, columns))
    if not lines:
        raise InputError(f"{path}: the split list is empty; expected one pair on each line")
    return lines


def parse_focal(text: str, path: Path, number: int) -> float:
    """Parse the focal length [px] in the third column; raise `InputError` unless it is positive."""
    try:
        focal = float(text)
    except ValueError:
        focal = 0.0
    if not 0 < focal < float("inf"):
        raise InputError(f"{path}, line {number}: the third column is '{text}'; expected the focal length in pixels")
    return focal


def missing_files(folder: Path, names: list[str]) -> list[str]:
    """Return those of `names` (relative to `folder`) that do not exist, in order.

    Each folder is listed once, because tens of thousands of single look-ups take minutes on a network disk.
    """
    listed: dict[Path, set[str]] = {}
    missing = []
    for name in names:
        path = folder / name
        if path.parent not in listed:
            listed[path.parent] = _file_names(path.parent)
        if path.name not in listed[path.parent]:
            missing.append(name)
    return missing


def check_no_missing(folder: Path, missing: list[str], origin: str | Path) -> None:
    """Raise `InputError` if files are `missing` in `folder` that `origin` names."""
    if missing:
        raise InputError(
            f"{folder / missing[0]}: named by {origin} but missing, the first of {len(missing)} such files; complete "
            "the folder or correct the split list"
        )


def _file_names(folder: Path) -> set[str]:
    try:
        return {entry.name for entry in folder.iterdir()}
    except (FileNotFoundError, NotADirectoryError):
        return set()
