"""One thing at a time, in order, and no more than there are places."""

import asyncio
import threading
import time

import pytest

from depthkit.app.work_line import Ended, LineFull, WorkLine


def test_work_is_done_in_order_in_one_thread():
    done, threads = [], set()

    def do(number: int) -> int:
        threads.add(threading.current_thread())
        done.append(number)
        return number

    async def all_of_them() -> list[int]:
        line = WorkLine(9)
        results = await asyncio.gather(*(line.work(lambda i=i: do(i)) for i in range(5)))
        line.close()
        return results

    assert asyncio.run(all_of_them()) == done == [0, 1, 2, 3, 4]
    assert len(threads) == 1


def test_a_full_line_says_so_and_a_place_is_given_back_after_an_error():
    line = WorkLine(2)
    with line.place():
        with pytest.raises(ZeroDivisionError), line.place():
            1 / 0  # noqa: B018
        with line.place(), pytest.raises(LineFull), line.place():
            pass
    assert line.taken == 0
    line.close()


def test_what_nobody_wants_any_more_is_not_done():
    async def run() -> None:
        async def unwanted() -> bool:
            return True

        line = WorkLine(1)
        assert await line.work(lambda: pytest.fail("done"), unwanted) is None
        line.close()

    asyncio.run(run())


def test_a_cancelled_request_keeps_the_next_one_waiting_until_its_work_is_done():
    events = []
    begun, let_go = threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        let_go.wait(30)
        events.append("first")

    async def run() -> None:
        line = WorkLine(2)
        one = asyncio.create_task(line.work(first))
        await asyncio.to_thread(begun.wait, 30)
        one.cancel()
        two = asyncio.create_task(line.work(lambda: events.append("second")))
        await asyncio.sleep(0.05)
        let_go.set()
        await two
        with pytest.raises(asyncio.CancelledError):
            await one
        line.close()

    asyncio.run(run())
    assert events == ["first", "second"]


def test_what_runs_ends_when_nobody_wants_it_any_more_and_the_next_one_comes():
    begun, gone = threading.Event(), []

    async def run() -> None:
        line = WorkLine(2)

        async def is_unwanted() -> bool:
            return bool(gone)

        def endless() -> None:
            begun.set()
            while True:
                line.check_wanted()
                time.sleep(0.01)

        one = asyncio.create_task(line.work(endless, is_unwanted))
        await asyncio.to_thread(begun.wait, 30)
        gone.append(True)
        assert await asyncio.wait_for(one, 30) is None
        assert await line.work(lambda: "next") == "next"
        line.close()

    asyncio.run(run())


def test_the_end_ends_what_runs_and_begins_nothing():
    begun = threading.Event()

    async def run() -> None:
        line = WorkLine(2)

        def endless() -> None:
            begun.set()
            while True:
                line.check_wanted()
                time.sleep(0.01)

        one = asyncio.create_task(line.work(endless))
        await asyncio.to_thread(begun.wait, 30)
        two = asyncio.create_task(line.work(lambda: pytest.fail("begun")))
        line.end()
        for task in (one, two):
            with pytest.raises(Ended):
                await asyncio.wait_for(task, 30)
        line.close()

    asyncio.run(run())
