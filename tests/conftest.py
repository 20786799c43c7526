"""What all tests share: the real data beside the repository, and running a tool as a user does."""

import importlib.util
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# Tests run side by side (make test): two threads each would be more than there are cores, and threads that wait by
# spinning slow everything else down. Read when torch is imported, in processes that tests start, too.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

# Tools called within a test log to the test's captured streams; a logger that outlives the test would print a
# traceback about its closed stream into the next one's output.
logging.raiseExceptions = False

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real RGB-D pairs, pictures and weights; skips when it is not beside the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real data are not there: {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def rgbd_root(shared_data: Path) -> Path:
    """598 real pairs in the BTS sync layout, with train.txt and test.txt."""
    return shared_data / "rgbd"


@pytest.fixture(scope="session")
def deit_tiny_weights(shared_data: Path) -> Path:
    """Pretrained DeiT-Tiny/16 weights with their 1000-class head, safetensors, timm's key names."""
    return shared_data / "deit_tiny_patch16_224.safetensors"


@pytest.fixture(scope="session")
def run_tool() -> Callable[..., subprocess.CompletedProcess]:
    """`run_tool("predict", "--help")` runs tools/predict.py in a process of its own, output as text."""

    def run(
        name: str, *args: object, env: dict[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, str(REPOSITORY / "tools" / f"{name}.py"), *map(str, args)],
            cwd=cwd,
            env=tool_environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


@pytest.fixture
def call_tool(monkeypatch, capsys) -> Callable[..., subprocess.CompletedProcess]:
    """As `run_tool`, but in this process: without the seconds that importing torch and mmseg takes."""

    def call(name: str, *args: object) -> subprocess.CompletedProcess:
        from depthkit.utils import console

        path = REPOSITORY / "tools" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"tool_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        command = [str(path), *map(str, args)]
        monkeypatch.setattr(sys, "argv", command)
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            console.run_tool(module.main)
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(command, caught.value.code, printed.out, printed.err)

    return call


def tool_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """The environment for a tool's process: this checkout importable, as `extra` says besides."""
    paths = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        **(extra or {}),
    }
