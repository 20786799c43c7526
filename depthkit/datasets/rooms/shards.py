"""Generated rooms kept on disk, so that every epoch after the first only reads them."""

import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import Protocol

import numpy as np

from depthkit.datasets.sample import Frame
from depthkit.errors import InputError

ROOMS_PER_SHARD = 500
SETTINGS = "rooms.json"


class Generator(Protocol):
    """What makes rooms: `RoomGenerator`."""

    size: tuple[int, int]
    settings: dict
    description: str

    def entries(self) -> list[dict]:
        """List one dict {"index": k} per room."""

    def name(self, entry: dict) -> str:
        """Name a room."""

    def read(self, entry: dict) -> Frame:
        """Make a room."""


class Shards:
    """A source of frames that makes each room once and keeps it in a memory-mapped file.

    A shard is a `.npy` file with room for 500 rooms, and each of them has a mark that is set when the room is complete.
    So any number of processes may fill and read one folder at the same time, filling can be interrupted at any time,
    and a longer data set of the same seed takes over what is there. A file takes room on the disk only for the rooms
    in it.

    Args:
        generator: makes the rooms.
        folder: where they are kept; it is created.

    Raises:
        InputError: the folder is of rooms with other settings.
    """

    def __init__(self, generator: Generator, folder: Path) -> None:
        self.generator, self.folder = generator, folder
        self.description = f"{generator.description}, kept in {folder}"
        height, width = generator.size
        self._record = np.dtype([
            ("image", np.uint8, (height, width, 3)),
            ("depth", np.float32, (height, width)),
            ("intrinsics", np.float64, (3, 3)),
            ("complete", np.uint8),
        ])  # fmt: skip
        self._check_settings()

    def entries(self) -> list[dict]:
        """List the rooms of the generator."""
        return self.generator.entries()

    def read(self, entry: dict) -> Frame:
        """Return a room from the disk, or make it and keep it there."""
        shard, place = divmod(entry["index"], ROOMS_PER_SHARD)
        record = self._open(shard)[place]
        if not record["complete"]:
            frame = self.generator.read(entry)
            record["image"], record["depth"], record["intrinsics"] = frame.image, frame.depth, frame.intrinsics
            record["complete"] = 1  # last: another process must not see a part of the room
            return frame
        kept = (np.array(record[field]) for field in ("image", "depth", "intrinsics"))
        return Frame(*kept, self.generator.name(entry))

    def _open(self, shard: int) -> np.memmap:
        path = self.folder / f"rooms_{shard:04d}.npy"
        if not path.exists():
            new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            np.lib.format.open_memmap(new, mode="w+", dtype=self._record, shape=(ROOMS_PER_SHARD,))
            _publish(new, path)
        return np.lib.format.open_memmap(path, mode="r+")

    def _check_settings(self) -> None:
        path = self.folder / SETTINGS
        self.folder.mkdir(parents=True, exist_ok=True)
        wanted = json.dumps(self.generator.settings, indent=1)
        if not path.exists():
            new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            new.write_text(wanted)
            _publish(new, path)
        found = path.read_text()
        if found != wanted:
            raise InputError(
                f"{path}: the rooms there were made with {' '.join(found.split())}; expected "
                f"{' '.join(wanted.split())}; give another cache folder, or delete this one"
            )


def _publish(new: Path, path: Path) -> None:
    """Give a complete file its name, unless another process was faster."""
    with contextlib.suppress(FileExistsError):
        os.link(new, path)
    new.unlink()
