"""Copies of tar files that lie elsewhere, for all processes of this machine, in limited room."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from depthkit.errors import InputError
from depthkit.utils.output_file import atomic_path
from depthkit.utils.storage import Place, StoredFile

_CHUNK = 2**20  # [bytes]


class ShardCache:
    """Tar files of a place as files of this machine.

    A file of this machine is used where it lies. Others are copied when they are needed; where there is no room, the
    copies that were not used for the longest time are removed, but never one that a process reads at this moment.

    Args:
        place: where the tar files lie.
        folder: of this machine, for the copies.
        room: [bytes] for them.
    """

    def __init__(self, place: Place, folder: Path, room: float) -> None:
        self.place, self.folder, self.room = place, folder, room

    @contextmanager
    def file(self, shard: StoredFile) -> Iterator[Path]:
        """Give the path of a shard that stays there within the block.

        Raises:
            InputError: it cannot be read there, or written here.
        """
        if self.place.is_local:
            yield Path(self.place.path) / shard.name
            return
        identity = hashlib.sha256(f"{self.place}\n{shard.name}\n{shard.size}".encode()).hexdigest()
        path = self.folder / f"{identity[:32]}.tar"
        with open(_lock_of(path), "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            if not path.exists():
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not path.exists():  # another process may have been faster
                    self._make_room(shard.size)
                    self._copy(shard, path)
                fcntl.flock(lock, fcntl.LOCK_SH)
            os.utime(path)
            yield path

    def _copy(self, shard: StoredFile, path: Path) -> None:
        with atomic_path(path) as temporary, temporary.open("wb") as target:
            with self.place.open(shard.name) as source, self.place.errors("read", shard.name):
                while chunk := source.read(_CHUNK):
                    target.write(chunk)
            if target.tell() != shard.size:
                raise InputError(
                    f"{self.place}/{shard.name}: {target.tell()} bytes were read, but it had {shard.size}; it may have "
                    "been changed meanwhile, so start again"
                )

    def _make_room(self, size: int) -> None:
        copies = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in self.folder.glob("[!.]*.tar"))
        taken = sum(length for _, length, _ in copies)
        for _, length, path in copies:
            if taken + size <= self.room:
                return
            with open(_lock_of(path), "a") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:  # it is in use
                    continue
                path.unlink(missing_ok=True)
                taken -= length


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")
