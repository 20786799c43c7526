"""Work in threads: results in order, few items begun, and heavy ones alone."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from depthkit.distributed.in_order import in_order


@pytest.mark.parametrize(("ahead", "most", "expected"), [(3, 10**6, 3), (100, 250, 3), (100, 0, 1)])
def test_results_come_in_order_and_few_are_begun(ahead, most, expected):
    begun, taken, peak = 0, 0, 0

    def items():
        nonlocal begun, peak
        for item in range(30):
            begun += 1
            peak = max(peak, begun - taken)
            yield item

    with ThreadPoolExecutor(2) as pool:
        for place, result in enumerate(in_order(pool, lambda item: -item, items(), ahead, lambda item: 100, most)):
            assert result == -place
            taken += 1
    assert taken == 30 and peak <= expected


def test_an_error_comes_in_its_turn_and_what_waits_is_not_done():
    done, hold = [], threading.Event()

    def do(item):
        if item == 1:
            hold.wait(60)
            raise ValueError("no")
        done.append(item)

    results = in_order(pool := ThreadPoolExecutor(1), do, range(10), 5)
    assert next(results) is None
    hold.set()
    with pytest.raises(ValueError, match="no"):
        next(results)
    pool.shutdown()
    assert len(done) <= 5
