"""Which image each result in a folder is of: a file beside the results that other runs read."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from depthkit.errors import InputError
from depthkit.utils.output_file import atomic_path

RECORD = ".depthkit_results.jsonl"

Source = tuple[str, int, int]  # path of an image, its size [bytes], and when it was modified [ns]


def find_source(image: Path) -> Source | None:
    """Say which image this is; None if there is no such file."""
    try:
        known = image.stat()
    except OSError:
        return None
    return os.path.realpath(image), known.st_size, known.st_mtime_ns


class SourceRecord:
    """What the results in a folder are of, one line for each file; the last one counts.

    Args:
        folder: of the results; need not exist.

    Raises:
        InputError: the record is there and cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / RECORD
        self._sources: dict[str, list] = {}  # by the result's name, as file systems that ignore case compare it
        try:
            lines = self.path.read_text(encoding="ascii", errors="replace").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"{self.path}: cannot be read ({reason}); remove it or choose another --out") from error
        for line in lines:
            try:
                result, source = json.loads(line)
                self._sources[result.casefold()] = source
            except (ValueError, TypeError, AttributeError, RecursionError):
                continue  # cut off where the machine lost its power

    def has(self, result: Path, source: Source | None) -> bool:
        """Tell whether a result is of this image, unchanged since."""
        return source is not None and self._sources.get(result.name.casefold()) == list(source)

    def forget(self, results: Sequence[Path]) -> None:
        """Note that results are about to be replaced.

        Raises:
            InputError: the record cannot be written.
        """
        names = {result.name.casefold() for result in results} & self._sources.keys()
        if not names:
            return
        for name in names:
            del self._sources[name]
        with atomic_path(self.path) as temporary:
            temporary.write_text("".join(map(_line, self._sources.items())), encoding="ascii")

    def add(self, results: Sequence[Path], source: Source) -> None:
        """Note what results are of that were saved; threads may do so at the same time.

        Raises:
            InputError: the record cannot be written.
        """
        try:
            with self.path.open("a", encoding="ascii") as file:
                file.write("".join(_line((result.name, source)) for result in results))
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror or error}); free some space") from error


def _line(entry: tuple[str, Sequence]) -> str:
    return "\n" + json.dumps(entry)  # a line that was cut off before ends here
