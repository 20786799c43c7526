import importlib.util
from pathlib import Path

import pytest

from depthkit.cli import benchmark, demo, export, predict, prepare_nyu, test, tokens, train
from helpers import REPOSITORY

COMMANDS = {
    "benchmark": benchmark,
    "demo": demo,
    "export": export,
    "predict": predict,
    "prepare_nyu": prepare_nyu,
    "show_tokens": tokens,
    "test": test,
    "train": train,
}


def load(path: Path):
    spec = importlib.util.spec_from_file_location(f"tool_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_no_others() -> None:
    assert {path.stem for path in REPOSITORY.glob("tools/*.py")} == COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_front_door_is_the_command(name: str) -> None:
    assert load(REPOSITORY / "tools" / f"{name}.py").main is COMMANDS[name].main


def test_a_front_door_runs_it(run_tool) -> None:
    done = run_tool("predict", "--help")
    assert done.returncode == 0 and done.stdout.startswith("Usage: predict.py ")
    done = run_tool("train", "none")
    assert done.returncode == 2 and done.stderr.startswith("error: none: there is no such config")
