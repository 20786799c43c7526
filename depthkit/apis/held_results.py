"""Results that wait on the disk until all of them are known."""

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from depthkit.apis.result import DepthResult
from depthkit.utils.output_file import atomic_path

_ARRAYS = ("values", "image")


class HeldResults:
    """Results in a hidden folder, 7 bytes per pixel, which is removed at the end of the ``with`` block.

    Args:
        folder: where the hidden folder is made.

    Raises:
        InputError: there is no space left.
    """

    def __init__(self, folder: Path) -> None:
        self._temporary = tempfile.TemporaryDirectory(dir=folder, prefix=".held_")
        self._fields: list[dict[str, Any]] = []

    def __enter__(self) -> "HeldResults":
        return self

    def __exit__(self, *reason: object) -> None:
        self._temporary.cleanup()

    def __len__(self) -> int:
        return len(self._fields)

    def hold(self, result: DepthResult) -> None:
        """Write the arrays of a result to the disk."""
        number = len(self._fields)
        for name in _ARRAYS:
            with atomic_path(self._file(number, name)) as temporary, temporary.open("wb") as stream:
                np.save(stream, getattr(result, name), allow_pickle=False)
        kept = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
        self._fields.append({name: value for name, value in kept.items() if name not in _ARRAYS})

    def release(self) -> Iterator[DepthResult]:
        """Yield the results in their order, each removed from the disk."""
        for number, fields in enumerate(self._fields):
            yield self._release(number, fields)

    def _release(self, number: int, fields: dict[str, Any]) -> DepthResult:
        arrays = {name: np.load(self._file(number, name), allow_pickle=False) for name in _ARRAYS}
        for name in _ARRAYS:
            self._file(number, name).unlink()
        return DepthResult(**arrays, **fields)

    def _file(self, number: int, name: str) -> Path:
        return Path(self._temporary.name) / f"{number}_{name}.npy"
