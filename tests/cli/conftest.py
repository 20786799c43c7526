import subprocess
from collections.abc import Callable

import pytest

from depthkit.cli import main
from depthkit.utils.console import run_tool


@pytest.fixture
def cli(capsys: pytest.CaptureFixture) -> Callable[..., subprocess.CompletedProcess]:
    """`cli("predict", "--help")` is `depthkit predict --help` in this process, with its output and exit status."""

    def call(*args: object) -> subprocess.CompletedProcess:
        capsys.readouterr()
        command = list(map(str, args))
        with pytest.raises(SystemExit) as caught:
            run_tool(main.cli, command, "depthkit")
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(command, caught.value.code, printed.out, printed.err)

    return call
