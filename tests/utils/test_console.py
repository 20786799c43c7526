import errno
import os
import subprocess
import sys

import click
import pytest
from torch.utils.data import DataLoader

from depthkit.errors import InputError
from depthkit.utils.console import input_error_message, run_tool
from depthkit.utils.stop_signals import Stopped
from helpers import run_and_list_imports, run_python


@pytest.fixture
def run(call_tool):
    return lambda callback: call_tool(click.Command("tool", callback=callback))


def raising(error: BaseException):
    def callback() -> None:
        raise error

    return callback


class Broken:
    """A data set whose files cannot be read."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> None:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise InputError("a.png: cannot be read; get the file again") from error


def test_the_status_is_what_the_command_returns(run) -> None:
    assert run(lambda: 1).returncode == 1
    assert run(lambda: None).returncode == 0


def test_the_arguments_are_those_of_the_process(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/tool.py", "--help"])
    with pytest.raises(SystemExit) as caught:
        run_tool(click.Command("name"))
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("Usage: tool.py ")


def test_a_usage_error_is_one_line_with_a_hint(call_tool) -> None:
    done = call_tool(click.Command("name"), "--nothing")
    assert done.returncode == 2
    assert done.stderr.startswith("error: No such option") and done.stderr.count("\n") == 1
    assert done.stderr.endswith("\n")


def test_bad_input_is_one_line_and_status_2_also_under_another_exception(run) -> None:
    error = RuntimeError("building failed")
    error.__cause__ = InputError("x.png: no such\nfile")
    for raised in (error, error.__cause__):
        done = run(raising(raised))
        assert (done.returncode, done.stderr) == (2, "error: x.png: no such file\n")


def test_bad_input_of_any_length_is_a_short_line(run) -> None:
    done = run(raising(InputError(f"no option '{'x' * 5000}'; did you mean y?")))
    assert done.returncode == 2 and len(done.stderr) < 1000
    assert done.stderr.startswith("error: no option 'xxx") and done.stderr.endswith("did you mean y?\n")


def test_bad_input_in_a_dataloader_worker_is_its_own_sentence_only() -> None:
    batches = iter(DataLoader(Broken(), num_workers=1))
    with pytest.raises(InputError) as caught:
        next(batches)
    batches._shutdown_workers()  # the garbage collector would wait 5 s for the worker
    assert "Traceback" in str(caught.value)  # what torch makes of it
    assert input_error_message(caught.value) == "a.png: cannot be read; get the file again"


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "No space left"), (errno.EROFS, "Read-only")])
def test_a_full_or_read_only_disk_is_one_line(run, number: int, words: str) -> None:
    done = run(raising(OSError(number, os.strerror(number), "/out/x.npy")))
    assert done.returncode == 2 and words in done.stderr
    assert done.stderr.startswith("error: /out/x.npy: ") and done.stderr.count("\n") == 1


BUGS = [KeyError("x"), FileNotFoundError(errno.ENOENT, "gone", "x"), TypeError("int"), EOFError("cut")]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: type(bug).__name__)
def test_a_bug_keeps_its_traceback(bug: Exception) -> None:
    with pytest.raises(type(bug)):
        run_tool(click.Command("tool", callback=raising(bug)), [])


def test_ctrl_c_is_status_130(run) -> None:
    done = run(raising(KeyboardInterrupt()))
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


@pytest.mark.parametrize(
    ("signal", "status", "word"), [(KeyboardInterrupt(), 130, "interrupted"), (Stopped(15), 143, "SIGTERM")]
)
def test_a_signal_that_a_library_makes_its_own_error_stays_a_signal(run, signal, status, word) -> None:
    def callback() -> None:
        try:
            raise signal
        except BaseException:
            raise SyntaxError("Failed to format the config file")  # noqa: B904 (as mmengine does)

    done = run(callback)
    assert done.returncode == status and word in done.stderr and "Traceback" not in done.stderr


def test_an_error_of_ours_about_a_signal_is_an_error(run) -> None:
    def callback() -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise InputError("c.py: raises KeyboardInterrupt") from error

    assert run(callback).returncode == 2


PRINTING = """
import click
from depthkit.utils.console import run_tool
def callback():
    for i in range(100000): print(i)
run_tool(click.Command('tool', callback=callback), [])
"""


def test_what_libraries_warn_of_is_not_shown_unless_asked() -> None:
    code = PRINTING.replace("for i in range(100000): print(i)", "import warnings; warnings.warn('odd')")
    assert run_python("-c", code).stderr == ""
    assert "UserWarning: odd" in run_python("-W", "default", "-c", code).stderr


def test_a_reader_that_goes_away_stops_the_work_with_a_word() -> None:
    tool = subprocess.Popen([sys.executable, "-c", PRINTING], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    tool.stdout.readline()
    tool.stdout.close()
    assert tool.stderr.read() == b"stopped because nobody reads the output any more\n"
    assert tool.wait() == 141


def test_an_output_that_is_full_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", PRINTING], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and done.stderr.startswith("error: No space left on device; free some space")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_process_may_have_no_output(closed: str) -> None:
    code = PRINTING.replace("100000", "3")
    done = subprocess.run(["sh", "-c", f'exec "$0" -c "$1" {closed}>&-', sys.executable, code], capture_output=True)
    assert done.returncode == 0, done.stderr


def test_a_name_that_the_terminal_cannot_show_is_shown_by_its_code() -> None:
    code = PRINTING.replace("for i in range(100000): print(i)", "print('\\u00e4 \\udcff')")
    for encoding, shown in (("ascii", b"\\xe4 \\udcff\n"), ("utf-8", b"\xc3\xa4 \\udcff\n")):
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
        assert (done.returncode, done.stdout) == (0, shown), done.stderr


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "there is not enough memory (MemoryError)"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "not enough memory"),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "), "a process that reads data was lost"),
    ],
)
def test_too_little_memory_is_one_line(run, error: Exception, words: str) -> None:
    done = run(raising(error))
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1


def test_importing_depthkit_is_light() -> None:
    _, imported = run_and_list_imports("-c", "import depthkit, depthkit.utils.console")
    assert not {"torch", "mmengine", "cv2", "numpy"} & imported


def test_depthkit_names_its_public_parts_and_no_others() -> None:
    import depthkit

    assert {"DepthPredictor", "DepthResult", "__version__"} <= set(dir(depthkit))
    with pytest.raises(AttributeError, match="nothing"):
        depthkit.nothing  # noqa: B018


def test_threads_wait_without_spinning_unless_the_user_says_otherwise(monkeypatch, run) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert run(lambda: os.environ["OMP_WAIT_POLICY"] != "PASSIVE").returncode == 0
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert run(lambda: os.environ["OMP_WAIT_POLICY"] != "ACTIVE").returncode == 0
