"""Work that runs ahead in a thread: everything in order, never too much, and nothing left behind."""

import threading

import pytest

from depthkit.video.pipeline import run_ahead


def test_all_items_in_order():
    assert list(run_ahead(iter(range(20)))) == list(range(20))
    assert list(run_ahead(iter(()))) == []


def test_no_more_than_a_few_are_made_ahead():
    made = []

    def items():
        for number in range(100):
            made.append(number)
            yield number

    most = 0
    for number in run_ahead(items(), ahead=3):
        most = max(most, len(made) - number)
    assert most <= 4


def test_an_error_arrives_in_its_place():
    def items():
        yield from (1, 2)
        raise ValueError("third")

    seen = []
    with pytest.raises(ValueError, match="third"):
        seen.extend(run_ahead(items()))
    with pytest.raises(ValueError, match="third"):
        for item in run_ahead(items()):
            seen.append(item)
    assert seen[-2:] == [1, 2]


def test_who_stops_early_leaves_no_thread_and_closes_the_source():
    closed = []

    def items():
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    before = threading.active_count()
    running = run_ahead(items())
    assert next(running) == 0
    running.close()
    assert closed == [True] and threading.active_count() == before


def test_stages_stand_behind_each_other():
    doubled = (2 * number for number in run_ahead(iter(range(10))))
    assert list(run_ahead(doubled)) == list(range(0, 20, 2))
