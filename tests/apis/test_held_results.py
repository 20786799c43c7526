"""Results that wait on the disk come back as they were, and leave nothing there."""

import dataclasses

import numpy as np
import pytest

from depthkit.apis.held_results import HeldResults
from depthkit.apis.result import DepthResult


def make_result(seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 255, (4, 5, 3), dtype=np.uint8)
    return DepthResult(rng.random((4, 5), np.float32), image, focal_length=9.0, metadata={"model": str(seed)})


def test_results_come_back_and_nothing_is_left(tmp_path):
    results = [make_result(seed) for seed in range(3)]
    with HeldResults(tmp_path) as held:
        for result in results:
            held.hold(result)
        assert len(held) == 3 and all(path.name.startswith(".") for path in tmp_path.iterdir())
        for before, after in zip(results, held.release(), strict=True):
            for field in dataclasses.fields(DepthResult):
                np.testing.assert_array_equal(getattr(after, field.name), getattr(before, field.name))
        assert not list(tmp_path.glob(".*/*"))
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_after_an_error(tmp_path):
    with pytest.raises(KeyboardInterrupt), HeldResults(tmp_path) as held:
        held.hold(make_result(0))
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
