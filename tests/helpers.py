"""What several tests need and what is neither a fixture nor a test: paths, tiny models, crafted files, processes."""

import importlib.util
import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import ModuleType

REPOSITORY = Path(__file__).resolve().parent.parent
CONFIGS = REPOSITORY / "configs"

# A vision transformer that runs in milliseconds: 16 patches of a 64x64 image, two pairs of layers.
SMALL_VIT = {"img_size": 64, "embed_dim": 48, "depth": 4, "num_heads": 3}


# A config that trains a ToSA on generated rooms in seconds.
TINY_ROOMS = f"""
_base_ = ["{CONFIGS}/_base_/schedules/depth_20e.py", "{CONFIGS}/default_runtime.py"]
max_epochs = 2
batch_size = 2
train_cfg = dict(max_epochs=max_epochs)
size = [64, 64]  # a list, as it is in a checkpoint
pipeline = [dict(type="PackDepthInputs")]
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(type="Rooms", length=12, size=size, seed=0, pipeline=pipeline),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="Rooms", length=5, size=size, seed=1, pipeline=pipeline),
)
test_pipeline = pipeline
test_evaluator = dict(type="DepthProtocolMetric", protocol="full")
val_dataloader, val_evaluator = test_dataloader, test_evaluator
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(max_keep_ckpts=2))
model = dict(
    type="DepthEstimator",
    data_preprocessor=dict(
        type="SegDataPreProcessor", mean=[124, 116, 104], std=[58, 57, 57], bgr_to_rgb=False, size_divisor=1,
        pad_val=0, seg_pad_val=0,
    ),
    backbone=dict(
        type="ToSA", keep_rate=0.5, selection="shared", out_indices=(0, 1, 2, 3), pretrained=None, **{SMALL_VIT}
    ),
    decode_head=dict(type="DPTHead", in_channels=(48,) * 4, channels=16, losses=[dict(type="ScaleInvariantLogLoss")]),
    test_cfg=dict(mode="whole", flip=False),
)
"""


class CraftedPickle:
    """Unpickling it makes a folder: the harmless form of a file that executes code."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def write_crafted_checkpoint(path: Path, *, zipped: bool = True) -> Path:
    """Write a checkpoint whose weights are a CraftedPickle, in torch's zip format or as a plain pickle.

    Returns:
        The folder that exists afterwards if reading the file executed its code.
    """
    import torch  # not above: conftest.py imports this file before it sets the number of threads

    marker = path.with_name(f"{path.name}_was_executed")
    content = {"state_dict": {"weight": torch.ones(1), "crafted": CraftedPickle(marker)}, "meta": {}}
    if zipped:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    return marker


def mmengine_settings() -> tuple:
    """Return what a training changes in mmengine for its own duration."""
    import mmengine.device
    from mmengine.registry import DefaultScope
    from mmengine.runner.checkpoint import CheckpointLoader

    return dict(CheckpointLoader._schemes), DefaultScope.get_current_instance(), mmengine.device.get_device()


def tool_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """Return the environment for a process of its own: this checkout can be imported, and `extra` is set."""
    paths = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path), **(extra or {})}


def run_python(*command: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    """Run `python COMMAND` in a process of its own, output as text."""
    return subprocess.run(
        [sys.executable, *map(str, command)],
        env=tool_environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )


def run_and_list_imports(*command: object) -> tuple[str, set[str]]:
    """Return what `python COMMAND` printed, and the names of all modules that it imported."""
    done = run_python("-X", "importtime", *command)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return done.stdout, {line.rsplit("|", 1)[-1].strip() for line in lines}


def load_tool(name: str) -> ModuleType:
    """Return tools/NAME.py as a module; its `main` is a Click command."""
    spec = importlib.util.spec_from_file_location(f"tool_{Path(name).name}", REPOSITORY / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
