"""Saving in threads: in order, few results in memory, and an error stops the work."""

import threading
import time

import numpy as np
import pytest

from depthkit.apis import save_behind
from depthkit.apis.result import DepthResult
from depthkit.apis.save_behind import SaveBehind
from depthkit.errors import InputError

ROWS = 10


def results(count: int):
    for place in range(count):
        values = np.ones((ROWS, 10), np.float32)
        yield place, DepthResult(values, np.zeros((ROWS, 10, 3), np.uint8))


@pytest.mark.parametrize("most", [50, 250, 10**6])
def test_results_come_in_order_and_few_are_in_memory(monkeypatch, most):
    monkeypatch.setattr(save_behind, "MOST_PIXELS", most)
    lock, now, peak = threading.Lock(), 0, 0

    def save(place, predicted):
        nonlocal now, peak
        with lock:
            now += 1
            peak = max(peak, now)
        time.sleep(0.001 * (place % 3))  # later ones may be done earlier
        with lock:
            now -= 1
        return f"saved {place}"

    with SaveBehind(save) as writer:
        saved = list(writer.save_all(results(30)))
    assert saved == [(place, f"saved {place}") for place in range(30)]
    assert peak <= max(1, most // 100)


def test_an_error_stops_the_work_and_what_was_begun_is_finished():
    finished = []

    def save(place, predicted):
        if place == 3:
            raise InputError("the disk is full")
        time.sleep(0.005)
        finished.append(place)

    with pytest.raises(InputError, match="the disk is full"), SaveBehind(save) as writer:
        list(writer.save_all(results(1000)))
    assert set(finished) >= {0, 1, 2} and len(finished) < 100
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("depthkit-save")]
