import os
import signal
import subprocess
import sys
import time

import pytest

from depthkit.utils.stop_signals import Stopped, signals_as_exceptions
from helpers import tool_environment


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_an_exception_inside_and_as_before_outside(number):
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as caught, signals_as_exceptions():
        os.kill(os.getpid(), number)
    assert caught.value.number == number
    assert signal.getsignal(number) == before
    assert not isinstance(caught.value, Exception)


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_as_exceptions():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_forked_process_ends_as_without_it():
    with signals_as_exceptions():
        child = os.fork()
        if child == 0:
            os.kill(os.getpid(), signal.SIGTERM)
            os._exit(0)
        _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGTERM


class _Interrupted:
    """Something whose finaliser is interrupted by a signal; Python drops what is raised there."""

    def __init__(self, number):
        self.number = number

    def __del__(self):
        os.kill(os.getpid(), self.number)


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Stopped), (signal.SIGHUP, Stopped)]
)
def test_a_signal_in_a_finaliser_is_not_lost(number, kind, capsys):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(kind), signals_as_exceptions():
            interrupted = _Interrupted(number)
            del interrupted
            time.sleep(10)
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == ""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_sent_again_does_not_come_after_the_block():
    with signals_as_exceptions():
        interrupted = _Interrupted(signal.SIGTERM)
        del interrupted
    time.sleep(0.2)  # this process would be gone


def test_another_error_in_a_finaliser_is_reported_as_before(monkeypatch):
    class Faulty:
        def __del__(self):
            raise ValueError("of a finaliser")

    reported = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: reported.append(str(dropped.exc_value)))
    with signals_as_exceptions():
        faulty = Faulty()
        del faulty
    assert reported == ["of a finaliser"]


WAITING = """
import click, time
from pathlib import Path
from depthkit.utils.console import run_tool
from depthkit.utils.output_file import atomic_path
def callback():
    with atomic_path("a.txt") as temporary:
        temporary.touch()
        print("ready", flush=True)
        time.sleep(60)
run_tool(click.Command("tool", callback=callback), [])
"""


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (signal.SIGTERM, "stopped by SIGTERM\n"),
        (signal.SIGHUP, "stopped by SIGHUP\n"),
        (signal.SIGINT, "interrupted\n"),
    ],
)
def test_a_command_that_is_stopped_says_so_and_leaves_nothing(tmp_path, number, word):
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING],
        cwd=tmp_path,
        env=tool_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (128 + number, word)
    assert os.listdir(tmp_path) == []
