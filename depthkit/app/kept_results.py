"""Results that are kept in memory for a while, so that their files can be had."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from depthkit.app.limits import Limits

if TYPE_CHECKING:
    from depthkit.apis.result import DepthResult


T = TypeVar("T", "KeptResult", "KeptVideos")


class Gone(Exception):
    """There is no result of this id, or not any more."""


@dataclass(frozen=True)
class KeptResult:
    """A result with the name of its files."""

    name: str
    result: "DepthResult"

    @property
    def weight(self) -> int:
        """Count its pixels."""
        return self.result.values.size


@dataclass(frozen=True)
class KeptVideos:
    """The depth of a video as files, by kind, with their names."""

    files: dict[str, tuple[str, bytes]]

    @property
    def weight(self) -> int:
        """Count as many pixels as would take the same memory: 7 bytes each."""
        return sum(len(content) for _, content in self.files.values()) // 7


def new_id() -> str:
    """Return an id that nobody can guess."""
    return secrets.token_urlsafe(16)


class KeptResults:
    """The last results. Whoever knows an id, which cannot be guessed, can have the files.

    Args:
        limits: how many, for how long, and how many pixels in all; the newest is kept whatever its size.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._kept: dict[str, KeptResult | KeptVideos] = {}

    def add(self, id: str, kept: KeptResult | KeptVideos) -> None:
        """Keep a result under a `new_id`; older ones make room."""
        self._kept[id] = kept
        while len(self._kept) > 1 and (len(self._kept) > self._limits.results or self._pixels > self._limits.pixels):
            del self._kept[next(iter(self._kept))]
        asyncio.get_running_loop().call_later(self._limits.seconds_kept, self._kept.pop, id, None)

    def get(self, id: str, kind: type[T]) -> T:
        """Return the result of an id.

        Raises:
            Gone: there is none of this kind.
        """
        found = self._kept.get(id)
        if not isinstance(found, kind):
            raise Gone
        return found

    def forget(self, id: str) -> None:
        """Forget a result, if there is one of this id."""
        self._kept.pop(id, None)

    @property
    def _pixels(self) -> int:
        return sum(kept.weight for kept in self._kept.values())
