"""Generated rooms kept on disk, so that every epoch after the first only reads them."""

import contextlib
import io
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

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
    """A source of frames that makes each room once and keeps it in a file.

    A shard is a `.npy` file with room for 500 rooms, and each of them has a mark that is set when the room is complete.
    So any number of processes may fill and read one folder at the same time, filling can be interrupted at any time,
    and a longer data set of the same seed takes over what is there. A file takes room on the disk only for the rooms
    in it. A folder whose rooms are complete may be read-only.

    Args:
        generator: makes the rooms.
        folder: where they are kept; it is created.

    Raises:
        InputError: the folder is of rooms with other settings, or cannot be made or read; when a room is read, a
            damaged file, a full disk, or a folder that cannot be written to.
    """

    def __init__(self, generator: Generator, folder: str | Path) -> None:
        if not str(folder).strip():
            raise InputError(f"cache={str(folder)!r}: expected the name of a folder, or None to keep no rooms")
        self.generator, self.folder = generator, Path(os.path.expanduser(folder))
        self.description = f"{generator.description}, kept in {self.folder}"
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
        path = self.folder / f"rooms_{shard:04d}.npy"
        record = self._find(path, place)
        if record is not None and record["complete"]:
            kept = (np.array(record[field]) for field in ("image", "depth", "intrinsics"))  # copies are aligned
            return Frame(*kept, self.generator.name(entry))
        frame = self.generator.read(entry)
        self._keep(path, place, frame)
        return frame

    def _find(self, path: Path, place: int) -> np.void | None:
        """Return the record at a place of a shard; None if there is no such file yet."""
        with self._told("read", path):
            try:
                file = path.open("rb")
            except FileNotFoundError:
                return None
            with file:
                file.seek(self._start(file, path, place))
                return np.frombuffer(file.read(self._record.itemsize), self._record)[0]

    def _keep(self, path: Path, place: int, frame: Frame) -> None:
        """Write the record, and its mark last: another process must not see a part of the room."""
        record = np.zeros(1, self._record)
        record["image"], record["depth"], record["intrinsics"] = frame.image, frame.depth, frame.intrinsics
        with self._told("keep", path):
            if not path.exists():
                with _published(path) as new:
                    new.write(self._header())
                    new.truncate(new.tell() + ROOMS_PER_SHARD * self._record.itemsize)
            # Not through a memory map: where the disk is full, that ends the process.
            with path.open("r+b") as file:
                file.seek(self._start(file, path, place))
                file.write(record.tobytes()[:-1])
                file.flush()
                file.write(b"\1")

    def _start(self, file: BinaryIO, path: Path, place: int) -> int:
        """Return where a record begins in a shard, after a check that the file is one of these rooms."""
        header = self._header()
        size = len(header) + ROOMS_PER_SHARD * self._record.itemsize
        if file.read(len(header)) != header or os.fstat(file.fileno()).st_size != size:
            raise InputError(f"{path}: is damaged, or not of these rooms; delete it, or give another cache folder")
        return len(header) + place * self._record.itemsize

    def _header(self) -> bytes:
        """Return how the `.npy` file of a shard begins."""
        header, descr = io.BytesIO(), np.lib.format.dtype_to_descr(self._record)
        np.lib.format.write_array_header_1_0(
            header, {"descr": descr, "fortran_order": False, "shape": (ROOMS_PER_SHARD,)}
        )
        return header.getvalue()

    def _check_settings(self) -> None:
        path = self.folder / SETTINGS
        wanted = json.dumps(self.generator.settings, indent=1)
        with self._told("keep", path):
            self.folder.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                with _published(path) as new:
                    new.write(wanted.encode())
            found = path.read_bytes()
        if found != wanted.encode():
            told = " ".join(found[:1000].decode(errors="replace").split())
            raise InputError(
                f"{path}: the rooms there were made with {told}; expected {' '.join(wanted.split())}; give another "
                "cache folder, or delete this one"
            )

    @contextlib.contextmanager
    def _told(self, verb: str, path: Path) -> Iterator[None]:
        """Turn what the disk has against the folder, inside the block, into one sentence."""
        try:
            yield
        except InputError:
            raise
        except (OSError, ValueError) as error:  # ValueError: a name that no file can have
            raise InputError(
                f"{path}: cannot {verb} rooms there ({getattr(error, 'strerror', None) or error}); free some space, or "
                "give another cache folder that can be made and written to"
            ) from error


@contextlib.contextmanager
def _published(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file that gets the name `path` once it is complete, unless another process was faster."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with new.open("xb") as file:
            yield file
        try:
            os.link(new, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            os.replace(new, path)
    finally:
        with contextlib.suppress(OSError):
            new.unlink()
