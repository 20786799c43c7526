"""What all tests share: hypothesis' profiles, the real data, an untrained model, running commands."""

import gc
import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import hypothesis
import pytest

from clips import make_clip  # noqa: F401 (a fixture)
from fake_hub import COMMIT, FakeHub
from helpers import CONFIGS, REPOSITORY, run_python

# Tests run side by side (make test): two threads each would be more than there are cores, and threads that wait by
# spinning slow everything else down. Read when torch is imported, in processes that tests start, too.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

# Ray's workers give way to all else: beside other tests they would take minutes to start.
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 (Ray reads it so)

# Tools called within a test log to the test's captured streams; a logger that outlives the test would print a
# traceback about its closed stream into the next one's output.
logging.raiseExceptions = False

# The same examples in every run where CI=true, as continuous integration sets it; new ones in each run elsewhere. No
# deadline in either: how long an example takes says how busy the machine is.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")


@pytest.fixture(scope="module", autouse=True)
def quick_garbage_collection() -> None:
    """Leave out what was imported: mmengine collects garbage for every data set that is made, 0.4 s each time."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # what is never collected, nanobind reports as leaked


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real RGB-D pairs, images and weights (CONTRIBUTING.md); skips when it is not there."""
    variable = os.environ.get("DEPTHKIT_TEST_DATA")
    folder = Path(variable) if variable else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        where = "DEPTHKIT_TEST_DATA" if variable else "the default of DEPTHKIT_TEST_DATA"
        pytest.skip(f"needs real data: {folder} ({where}) is not a folder; see 'Real data' in CONTRIBUTING.md")
    return folder


@pytest.fixture(scope="session")
def rgbd_root(shared_data: Path) -> Path:
    """598 real pairs in the BTS sync layout, with train.txt and test.txt."""
    return shared_data / "rgbd"


@pytest.fixture(scope="session")
def deit_tiny_weights(shared_data: Path) -> Path:
    """Pretrained DeiT-Tiny/16 weights with their 1000-class head, safetensors, timm's key names."""
    return shared_data / "deit_tiny_patch16_224.safetensors"


@pytest.fixture(scope="session")
def timm_deit_tiny(deit_tiny_weights: Path):
    """timm's own DeiT-Tiny with these weights, which no test may change."""
    import timm
    from safetensors.torch import load_file

    model = timm.create_model("deit_tiny_patch16_224").eval()
    model.load_state_dict(load_file(deit_tiny_weights))
    return model


@pytest.fixture(scope="session")
def demo_config() -> Path:
    """configs/demo_rooms.py: a small ToSA on generated rooms, which needs no data."""
    return CONFIGS / "demo_rooms.py"


@pytest.fixture(scope="session")
def demo_checkpoint(demo_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained weights of the demo's model, without a config in them."""
    import torch
    from mmengine.registry import DefaultScope

    import depthkit.models  # noqa: F401 (registers)
    from depthkit.registry import MODELS
    from depthkit.utils.config import load_config

    path = tmp_path_factory.mktemp("demo") / "demo.pth"
    with DefaultScope.overwrite_default_scope("depthkit"):
        torch.manual_seed(0)
        model = MODELS.build(load_config(demo_config).model)
    torch.save({"state_dict": model.state_dict(), "meta": {}}, path)
    return path


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub of models, which only this test sees."""
    from huggingface_hub import constants

    folder = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("DEPTHKIT_CACHE", str(tmp_path / "depthkit"))
    return folder


@pytest.fixture
def hub(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub on this machine, which takes the place of the real one."""
    from huggingface_hub import constants, file_download

    server = FakeHub(b"weights" * 10_000)
    template = f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(file_download, "HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)  # before release 1.0
    yield server
    server.stop()


@pytest.fixture
def tiny_zoo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Path]:
    """Make a published model tiny: `tiny_zoo("dpt-large")` returns a file of random weights for it."""
    import dataclasses

    from depthkit.zoo.table import MODELS

    monkeypatch.setenv("DEPTHKIT_CACHE", str(tmp_path / "depthkit"))

    def shrink(name: str) -> Path:
        import torch

        from depthkit.zoo.loading import create_model

        path = tmp_path / f"{name}.pth"
        if path.exists():
            return path
        of = dataclasses.replace(
            MODELS[name].architecture, embed_dim=48, depth=4, num_heads=3, taps=(0, 1, 2, 3), channels=16,
            level_channels=(8, 16, 24, 32),
        )  # fmt: skip
        model = dataclasses.replace(MODELS[name], architecture=of, sha256=None, size=None, revision=COMMIT)
        monkeypatch.setitem(MODELS, name, model)
        torch.manual_seed(0)
        state = create_model(name).state_dict()
        for value in state.values():
            if value.ndim > 1:
                torch.nn.init.normal_(value, std=0.5 / value[0].numel() ** 0.5 if value.ndim == 2 else 0.1)
        torch.save(state, path)
        return path

    return shrink


@pytest.fixture
def call_tool(capsys: pytest.CaptureFixture) -> Callable[..., subprocess.CompletedProcess]:
    """`call_tool(command, "--help")` runs a Click command in this process: its output as text and exit status."""

    def call(tool, *args: object, name: str = "tool") -> subprocess.CompletedProcess:
        from depthkit.utils.console import run_tool

        capsys.readouterr()
        command = list(map(str, args))
        with pytest.raises(SystemExit) as caught:
            run_tool(tool, command, name)
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(command, caught.value.code, printed.out, printed.err)

    return call


@pytest.fixture
def cli(call_tool: Callable[..., subprocess.CompletedProcess]) -> Callable[..., subprocess.CompletedProcess]:
    """`cli("predict", "--help")` is `depthkit predict --help` in this process."""
    from depthkit.cli import main

    return partial(call_tool, main.cli, name="depthkit")


@pytest.fixture(scope="session")
def cli_process() -> Callable[..., subprocess.CompletedProcess]:
    """As `cli`, but in a process of its own."""
    return partial(run_python, "-m", "depthkit.cli.main")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the trainings that are forked from this process first: torch refuses them after others used its threads."""
    items.sort(key=lambda item: item.path.name != "test_resume.py")
