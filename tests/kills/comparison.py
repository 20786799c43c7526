"""What two trainings left behind, compared to the last bit."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from depthkit.models.checkpoint_file import read_checkpoint

# What depends on the clock or on the run, not on the training.
_TIMES = ("time", "data_time", "eta", "memory")
_PARTS = ("state_dict", "ema_state_dict", "optimizer", "param_schedulers")
_INFO = ("best_score", "epoch", "iter", "max_iters", "epoch_length", "iter_of_validation", "scalar_lines")
_PATHS = ("best_ckpt", "last_ckpt")


def differences(straight: Path, resumed: Path) -> list[str]:
    """Name everything in which the work folder `resumed` differs from that of the training never killed."""
    return [*_different_files(straight, resumed), *_different_content(straight, resumed), *leftovers(resumed)]


def leftovers(folder: Path) -> list[str]:
    """Name temporary files that a killed training did not complete."""
    found = [path for path in folder.rglob("*") if path.name.startswith(".") or path.name.endswith(".tmp")]
    return [f"left over: {path.relative_to(folder)}" for path in found]


def scalars(folder: Path) -> list[dict]:
    """Read the log of scalars of the newest run, without times."""
    newest = sorted(folder.glob("*/vis_data/scalars.json"))[-1]
    lines = [json.loads(line) for line in newest.read_text().splitlines()]
    return [{name: value for name, value in line.items() if name not in _TIMES} for line in lines]


def _different_files(straight: Path, resumed: Path) -> Iterator[str]:
    for pattern in ("*.pth", "vis/*", "last_checkpoint"):
        first, second = ({path.relative_to(root) for path in root.glob(pattern)} for root in (straight, resumed))
        yield from (f"missing: {name}" for name in sorted(first - second))
        yield from (f"too many: {name}" for name in sorted(second - first))


def _different_content(straight: Path, resumed: Path) -> Iterator[str]:
    for path in straight.glob("*.pth"):
        if (other := resumed / path.name).exists():
            yield from _compare(_content(path), _content(other), path.name)
    for path in straight.glob("vis/*"):
        if (other := resumed / "vis" / path.name).exists() and path.read_bytes() != other.read_bytes():
            yield f"differs: vis/{path.name}"
    yield from _compare(_last(straight), _last(resumed), "last_checkpoint")
    yield from _compare(scalars(straight), scalars(resumed), "scalars.json")


def _content(path: Path) -> dict:
    """Return what is comparable in a checkpoint."""
    content = read_checkpoint(path)
    hub, meta = content["message_hub"], content["meta"]
    history = {k: v for k, v in hub["log_scalars"].items() if k.rpartition("/")[2] not in _TIMES}
    info = {key: hub["runtime_info"].get(key) for key in _INFO}
    info |= {key: Path(hub["runtime_info"].get(key, "")).name for key in _PATHS}
    return {
        **{part: content.get(part) for part in _PARTS},
        "history": history,
        "info": info,
        "meta": {key: meta[key] for key in ("epoch", "iter", "seed")},
        "depthkit": content["depthkit"],
    }


def _last(folder: Path) -> str:
    return Path((folder / "last_checkpoint").read_text()).name


def _compare(first: Any, second: Any, name: str) -> Iterator[str]:
    if isinstance(first, dict) and isinstance(second, dict):
        for key in {**first, **second}:
            yield from _compare(first.get(key), second.get(key), f"{name}: {key}")
    elif isinstance(first, list | tuple) and isinstance(second, list | tuple) and len(first) == len(second):
        for place, pair in enumerate(zip(first, second, strict=True)):
            yield from _compare(*pair, f"{name}[{place}]")
    elif isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        if first.shape != second.shape or first.dtype != second.dtype or not _same_bits(first, second):
            yield f"differs: {name}"
    elif first != second and repr(first) != repr(second):  # NaN
        yield f"differs: {name}: {str(first)[:60]} and {str(second)[:60]}"


def _same_bits(first: torch.Tensor, second: torch.Tensor) -> bool:
    return first.contiguous().numpy().tobytes() == second.contiguous().numpy().tobytes()
