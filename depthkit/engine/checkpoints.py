"""Checkpoints on disk: strict reading everywhere, and which one to resume from."""

import logging
import re
from pathlib import Path

import torch
from mmengine.runner.checkpoint import CheckpointLoader, get_torch_safe_globals

from depthkit.errors import InputError
from depthkit.models.weights import read_checkpoint

# What the checkpoint hook calls them. The best ones carry no optimizer: nothing can be resumed from those.
_PERIODIC = re.compile(r"(epoch|iter)_\d+\.pth")
_NEEDED_TO_RESUME = {"meta", "state_dict", "message_hub", "optimizer"}
# Schemes of mmengine's that read a file with whatever code is in it.
_REFUSED_SCHEMES = (
    "pavi://",
    r"(\S+\:)?s3://",
    r"(\S+\:)?petrel://",
    "modelzoo://",
    "torchvision://",
    "open-mmlab://",
    "openmmlab://",
    "mmcls://",
)


def use_strict_loading() -> None:
    """Replace mmengine's checkpoint loaders, which fall back to executing the code in a file.

    From then on `load_from`, `resume` and the `init_cfg` of any mm model read local files with
    `read_checkpoint` and URLs with torch's weights-only unpickler; the other schemes (``open-mmlab://``, ...)
    are refused.
    """
    CheckpointLoader.register_scheme(prefixes="", loader=load_from_local, force=True)
    CheckpointLoader.register_scheme(prefixes=("http://", "https://"), loader=load_from_url, force=True)
    CheckpointLoader.register_scheme(prefixes=_REFUSED_SCHEMES, loader=_refuse, force=True)


def find_whole_checkpoint(work_dir: str | Path, logger: logging.Logger) -> Path | None:
    """The newest checkpoint in `work_dir` that is whole, or None when there is none of any kind.

    A damaged newer one (cut by a full disk or a crash) is reported and passed over.

    Raises:
        InputError: there are checkpoints, but none is whole.
    """
    work_dir = Path(work_dir)
    found = [path for path in work_dir.glob("*.pth") if _PERIODIC.fullmatch(path.name)]
    found.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in found:
        try:
            content = read_checkpoint(path)
        except InputError as error:
            logger.warning(f"{error}; going on from the one before it")
            continue
        if content.keys() >= _NEEDED_TO_RESUME:
            return path
        logger.warning(f"{path}: holds no training state; going on from the one before it")
    if found:
        raise InputError(
            f"{work_dir}: none of its {len(found)} checkpoints is whole; remove them, or train without --resume"
        )
    return None


def load_from_local(filename: str, map_location: object = None) -> dict:
    """mmengine's contract for a loader; tensors stay on the CPU, what loads the state moves them."""
    del map_location
    return read_checkpoint(filename)


def load_from_url(filename: str, map_location: object = None) -> dict:
    with torch.serialization.safe_globals(get_torch_safe_globals()):
        return torch.hub.load_state_dict_from_url(filename, map_location=map_location, weights_only=True)


def _refuse(filename: str, map_location: object = None) -> dict:
    del map_location
    raise InputError(f"{filename}: this kind of address is not read; download the file and give its path")
