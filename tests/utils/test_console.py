import argparse
import errno
import os
import resource
import subprocess
import sys

import pytest
from torch.utils.data import DataLoader

from depthkit.errors import InputError
from depthkit.utils.console import add_config_options, input_error_message, run_tool


def exit_status(main) -> int:
    with pytest.raises(SystemExit) as caught:
        run_tool(main)
    return caught.value.code


def raising(error: BaseException):
    def main(argv: list[str]) -> int:
        raise error

    return main


class Broken:
    """A data set whose files cannot be read."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> None:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise InputError("a.png: cannot be read; get the file again") from error


def test_the_status_of_main_is_the_tools(monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["tool", "a", "b"])
    seen = []
    assert exit_status(lambda argv: seen.append(argv) or 1) == 1
    assert seen == [["a", "b"]]


def test_bad_input_is_one_line_and_status_2(capsys) -> None:
    assert exit_status(raising(InputError("x.png: no such\nfile"))) == 2
    assert capsys.readouterr().err == "error: x.png: no such file\n"


def test_bad_input_under_another_exception_is_found(capsys) -> None:
    error = RuntimeError("building failed")
    error.__cause__ = InputError("keep_rate=0: expected more than 0")
    assert exit_status(raising(error)) == 2
    assert capsys.readouterr().err == "error: keep_rate=0: expected more than 0\n"


def test_bad_input_in_a_dataloader_worker_is_its_own_sentence_only() -> None:
    with pytest.raises(InputError) as caught:
        next(iter(DataLoader(Broken(), num_workers=1)))
    assert "Traceback" in str(caught.value)  # what torch makes of it
    assert input_error_message(caught.value) == "a.png: cannot be read; get the file again"


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "No space left"), (errno.EROFS, "Read-only")])
def test_a_full_or_read_only_disk_is_one_line(capsys, number: int, words: str) -> None:
    assert exit_status(raising(OSError(number, os.strerror(number), "/out/x.npy"))) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: /out/x.npy: ") and words in error and error.count("\n") == 1


@pytest.mark.parametrize("bug", [KeyError("x"), FileNotFoundError(errno.ENOENT, "gone", "x"), TypeError("int")])
def test_a_bug_keeps_its_traceback(bug: Exception) -> None:
    with pytest.raises(type(bug)):
        run_tool(raising(bug))


def test_ctrl_c_is_status_130(capsys) -> None:
    assert exit_status(raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_closed_pipe_ends_quietly() -> None:
    code = (
        "from depthkit.utils.console import run_tool\n"
        "def main(argv):\n"
        "    for i in range(100000): print(i)\n"
        "    return 0\n"
        "run_tool(main)\n"
    )
    tool = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    tool.stdout.readline()
    tool.stdout.close()
    assert tool.stderr.read() == b""
    assert tool.wait() == 0


def parse(*argv: str) -> dict | None:
    parser = argparse.ArgumentParser()
    add_config_options(parser)
    return parser.parse_args(argv).cfg_options


def test_config_options_are_parsed_as_mmengine_does() -> None:
    assert parse() is None
    options = parse("--cfg-options", "img_size=(224,304)", "a.b=0.5", "c=[1,x]", "d=None", "--cfg-options", "e=x=y")
    assert options == {"img_size": (224, 304), "a.b": 0.5, "c": [1, "x"], "d": None, "e": "x=y"}


@pytest.mark.parametrize("bad", ["no_value", "=1", "size=(1,2"])
def test_a_config_option_that_cannot_be_parsed_is_status_2(capsys, bad: str) -> None:
    with pytest.raises(SystemExit) as caught:
        parse("--cfg-options", bad)
    assert caught.value.code == 2
    assert "--cfg-options" in capsys.readouterr().err


def test_importing_depthkit_is_light() -> None:
    code = "import sys, depthkit, depthkit.utils.console; print([m for m in ('torch', 'mmengine') if m in sys.modules])"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert result.stdout.strip() == "[]"
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2  # [s] of CPU


def test_depthkit_names_its_public_parts_and_no_others() -> None:
    import depthkit

    assert {"DepthPredictor", "DepthResult", "__version__"} <= set(dir(depthkit))
    with pytest.raises(AttributeError, match="nothing"):
        depthkit.nothing  # noqa: B018


def test_the_environment_is_checked_before_anything_is_done(monkeypatch, capsys) -> None:
    def broken() -> None:
        raise InputError("mmcv 2.1.0 is installed")

    monkeypatch.setattr("depthkit.utils.console.check_environment", broken)
    assert exit_status(lambda argv: 0) == 2
    assert capsys.readouterr().err == "error: mmcv 2.1.0 is installed\n"


def test_threads_wait_without_spinning_unless_the_user_says_otherwise(monkeypatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert exit_status(lambda argv: os.environ["OMP_WAIT_POLICY"] != "PASSIVE") == 0
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert exit_status(lambda argv: os.environ["OMP_WAIT_POLICY"] != "ACTIVE") == 0
