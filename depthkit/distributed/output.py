"""The folder of results of a data set: whose they are, which shards are finished, and the manifest."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from depthkit.distributed.plan import Format, Unit, shard_name
from depthkit.distributed.shard_work import Record, is_valid, read_record
from depthkit.errors import InputError
from depthkit.utils.input_files import MAX_PIXELS
from depthkit.utils.storage import Place

SETTINGS = "dataset.json"
MANIFEST = "manifest.json"
_ADDED = {"max_pixels": MAX_PIXELS}  # settings that older outputs do not have, and by which they were made
_READERS = 32  # of records, which take the time of a round trip each


class Output:
    """The results of one data set by one model.

    Args:
        place: the folder; it is made by `claim`.
        settings: what makes these results; others in the same folder are refused.
        format: of the shards.

    Raises:
        InputError: the folder has something else in it, results of other settings, or cannot be read or written; see
            `resume`.
    """

    def __init__(self, place: Place, settings: dict[str, Any], format: Format, resume: bool) -> None:
        self.place, self.format = place, format
        self.settings = json.loads(json.dumps(settings))  # as it will be read
        found = place.read(SETTINGS)
        if found is not None:
            self._check_same(found)
            if not resume:
                raise InputError(
                    f"{place}: has results of this data set already; give --resume to make what is missing, or choose "
                    "another output"
                )
        elif place.files():
            raise InputError(f"{place}: has files in it that are no results of a data set; choose an empty folder")
        self._is_new = found is None

    def claim(self) -> None:
        """Note in a new folder whose results will be there; to be called when all is ready for them."""
        if self._is_new:
            self.place.write(SETTINGS, (json.dumps(self.settings, indent=2) + "\n").encode())

    @contextmanager
    def released_on_error(self) -> Iterator[None]:
        """Take back what `claim` noted, if the block fails before work has begun."""
        try:
            yield
        except Exception:
            if self._is_new and [file.name for file in self.place.files()] == [SETTINGS]:
                self.place.remove(SETTINGS)
            raise

    def _check_same(self, found: bytes) -> None:
        try:
            before = json.loads(found)
            if not isinstance(before, dict):
                raise ValueError("not a JSON object")
        except ValueError as error:
            raise InputError(f"{self.place}/{SETTINGS}: is damaged; choose another output") from error
        before, now = _flat(before), _flat(self.settings)
        before = {name: value for name, value in _ADDED.items() if name in now} | before
        other = [name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)]
        if other:
            told = "; ".join(f"{name} {_short(before.get(name))}, now {_short(now.get(name))}" for name in other)
            raise InputError(
                f"{self.place}: has results that were made otherwise ({told}); resume with the same input and options, "
                "or choose another output"
            )

    def finished(self, units: Sequence[Unit]) -> dict[int, Record]:
        """Return the records of the finished shards by number.

        A shard is not finished whose file is missing or has another size than its record says, or whose images come
        from files that have changed.
        """
        sizes = {file.name: file.size for file in self.place.files()}
        begun = [unit for unit in units if shard_name(unit.number, self.format) in sizes]
        with ThreadPoolExecutor(_READERS) as pool:
            records = list(pool.map(lambda unit: read_record(self.place, unit.number, self.format), begun))
        found = zip(begun, records, strict=True)
        return {unit.number: one for unit, one in found if one is not None and is_valid(one, unit, sizes[one.shard])}

    def write_manifest(self, records: Sequence[Record], failed: dict[str, str]) -> dict[str, Any]:
        """Write and return the manifest: the settings, all finished shards with their sums, and what failed.

        Args:
            records: of the finished shards.
            failed: why a shard could not be made, by its name.
        """
        records = sorted(records, key=lambda one: one.number)
        content = {
            **self.settings,
            "complete": not failed,
            "images": sum(one.images for one in records),
            "errors": sum(one.errors for one in records),
            "bytes": sum(one.bytes for one in records),
            "shards": [asdict(one) for one in records],
            "failed": failed,
        }
        self.place.write(MANIFEST, (json.dumps(content, indent=1, ensure_ascii=True) + "\n").encode())
        return content


def _flat(settings: dict[str, Any], start: str = "") -> dict[str, Any]:
    """Write {"model": {"runtime": x}} as {"model.runtime": x}."""
    found = {}
    for name, value in settings.items():
        found |= _flat(value, f"{start}{name}.") if isinstance(value, dict) else {f"{start}{name}": value}
    return found


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
