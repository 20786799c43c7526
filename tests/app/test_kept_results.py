"""Results are kept for a while: few, not too large together, and not for long."""

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest

from depthkit.app.kept_results import Gone, KeptResult, KeptResults, new_id
from depthkit.app.limits import Limits


def result(pixels: int) -> KeptResult:
    return KeptResult("room", SimpleNamespace(values=np.zeros(pixels)))


def ids_left(sizes: list[int], limits: Limits, wait: float = 0.0) -> list[int]:
    """Add results of these sizes, and return which are left."""

    async def run() -> list[int]:
        kept = KeptResults(limits)
        ids = [new_id() for _ in sizes]
        for id, size in zip(ids, sizes, strict=True):
            kept.add(id, result(size))
        await asyncio.sleep(wait)
        left = []
        for number, id in enumerate(ids):
            try:
                kept.get(id, KeptResult)
                left.append(number)
            except Gone:
                pass
        return left

    return asyncio.run(run())


def test_the_newest_are_kept():
    assert ids_left([1] * 5, Limits(results=3)) == [2, 3, 4]


def test_large_ones_make_older_ones_go_but_the_newest_stays():
    assert ids_left([60, 60], Limits(pixels=100)) == [1]
    assert ids_left([500], Limits(pixels=100)) == [0]


def test_they_go_with_time():
    assert ids_left([1, 1], Limits(seconds_kept=0.01), wait=0.1) == []


def test_one_can_be_forgotten_and_ids_cannot_be_guessed():
    async def run() -> None:
        kept, id = KeptResults(Limits()), new_id()
        kept.add(id, result(1))
        kept.forget(id)
        kept.forget("never there")
        with pytest.raises(Gone):
            kept.get(id, KeptResult)

    asyncio.run(run())
    assert len({new_id() for _ in range(100)}) == 100 and len(new_id()) >= 22
