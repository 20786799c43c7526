import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from depthkit.cli import main
from depthkit.utils.console import run_tool
from helpers import tool_environment

Command = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture) -> Command:
    """`cli("predict", "--help")` is `depthkit predict --help` in this process, with its output and exit status."""

    def call(*args: object) -> subprocess.CompletedProcess:
        capsys.readouterr()
        command = list(map(str, args))
        with pytest.raises(SystemExit) as caught:
            run_tool(main.cli, command, "depthkit")
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(command, caught.value.code, printed.out, printed.err)

    return call


@pytest.fixture(scope="session")
def cli_process() -> Command:
    """As `cli`, but in a process of its own."""

    def run(*args: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "depthkit.cli.main", *map(str, args)],
            env=tool_environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )

    return run


@pytest.fixture(scope="session")
def checkpoint_with_config(demo_config: Path, demo_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of `demo_checkpoint` with the config in the file, as training saves them; three test images."""
    import torch

    from depthkit.models.checkpoint_info import CheckpointInfo
    from depthkit.utils.config import config_to_plain, load_config

    content = torch.load(demo_checkpoint)
    plain = config_to_plain(load_config(demo_config, {"test_dataloader.dataset.length": 3, "workers": 0}))
    content["depthkit"] = CheckpointInfo.of_training(plain, str(demo_config)).to_plain()
    path = tmp_path_factory.mktemp("carried") / "best.pth"
    torch.save(content, path)
    return path
