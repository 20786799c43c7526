"""Results that are kept in memory for a while, so that their files can be had."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from depthkit.app.limits import Limits

if TYPE_CHECKING:
    from depthkit.apis.result import DepthResult


class Gone(Exception):
    """There is no result of this id, or not any more."""


@dataclass(frozen=True)
class KeptResult:
    """A result with the name of its files."""

    name: str
    result: "DepthResult"


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
        self._kept: dict[str, KeptResult] = {}

    def add(self, id: str, kept: KeptResult) -> None:
        """Keep a result under a `new_id`; older ones make room."""
        self._kept[id] = kept
        while len(self._kept) > 1 and (len(self._kept) > self._limits.results or self._pixels > self._limits.pixels):
            del self._kept[next(iter(self._kept))]
        asyncio.get_running_loop().call_later(self._limits.seconds_kept, self._kept.pop, id, None)

    def get(self, id: str) -> KeptResult:
        """Return the result of an id.

        Raises:
            Gone: there is none.
        """
        if id not in self._kept:
            raise Gone
        return self._kept[id]

    def forget(self, id: str) -> None:
        """Forget a result, if there is one of this id."""
        self._kept.pop(id, None)

    @property
    def _pixels(self) -> int:
        return sum(kept.result.values.size for kept in self._kept.values())
