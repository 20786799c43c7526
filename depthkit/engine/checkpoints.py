"""Checkpoints of a training: strict loading by mmengine, plain content, and which one to resume from."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlparse

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader, weights_to_cpu

from depthkit.engine.work_folder import find_periodic
from depthkit.errors import InputError
from depthkit.models.checkpoint_file import read_checkpoint

_NEEDED_TO_RESUME = {"meta", "state_dict", "message_hub", "optimizer"}
_PLAIN = (bool, int, float, str, type(None), torch.Tensor)


@contextmanager
def strict_loading() -> Iterator[None]:
    """Replace mmengine's checkpoint loaders inside the block: they can execute the code in a file.

    `load_from`, `resume` and the `init_cfg` of any mm model then read local files and http(s) addresses by
    `read_checkpoint`; the other schemes (``open-mmlab://``, ...) are refused.
    """
    before = CheckpointLoader._schemes
    CheckpointLoader._schemes = dict.fromkeys(before, _refuse)  # in mmengine's order: longer prefixes first
    CheckpointLoader.register_scheme(prefixes=("http://", "https://"), loader=load_from_url, force=True)
    CheckpointLoader.register_scheme(prefixes="", loader=load_from_local, force=True)
    try:
        yield
    finally:
        CheckpointLoader._schemes = before


def find_valid_checkpoint(work_dir: str | Path, logger: logging.Logger) -> Path | None:
    """Return the newest checkpoint in `work_dir` that can be resumed from, None when there is none at all.

    A newer one that is damaged (by a full disk or a crash) is reported and skipped.

    Raises:
        InputError: there are checkpoints, but none is valid.
    """
    found = find_periodic(work_dir)
    for path in found:
        try:
            content = read_checkpoint(path)
        except InputError as error:
            logger.warning(f"{error}; trying the one before it")
            continue
        if content.keys() >= _NEEDED_TO_RESUME:
            return path
        logger.warning(f"{path}: holds no training state; trying the one before it")
    if found:
        raise InputError(
            f"{work_dir}: none of its {len(found)} checkpoints is valid; remove the folder, or train anew "
            "with --overwrite"
        )
    return None


def pack(checkpoint: dict[str, Any]) -> None:
    """Make mmengine's `checkpoint` plain data, which ``torch.load(path)`` reads anywhere.

    Of other objects, the one-cycle scheduler keeps a function in its state. They are left out: a constructor makes
    them again.
    """
    for key in ("state_dict", "ema_state_dict"):
        if key in checkpoint:
            checkpoint[key] = weights_to_cpu(checkpoint[key])
    hub = checkpoint["message_hub"]
    hub["log_scalars"] = {
        name: {"log": torch.as_tensor(buffer.data[0]), "count": torch.as_tensor(buffer.data[1])}
        for name, buffer in hub["log_scalars"].items()
    }
    for key in ("meta", "message_hub", "param_schedulers"):
        if key in checkpoint:
            checkpoint[key] = _plain(checkpoint[key])


def unpack(checkpoint: dict[str, Any]) -> None:
    """Undo `pack` in a `checkpoint` that was read; one that was never packed stays as it is."""
    scalars = checkpoint.get("message_hub", {}).get("log_scalars", {})
    for name, value in scalars.items():
        if isinstance(value, dict):
            scalars[name] = HistoryBuffer(value["log"].numpy(), value["count"].numpy())


def _plain(value: Any) -> Any:
    """Return `value` with NumPy's numbers and arrays as Python's and without what is not plain data."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, dict):
        plain = {key: _plain(one) for key, one in value.items()}
        return {key: one for key, one in plain.items() if one is not _plain}
    if isinstance(value, (list, tuple)):
        plain = [one for one in map(_plain, value) if one is not _plain]
        return tuple(plain) if isinstance(value, tuple) else plain
    return value if isinstance(value, _PLAIN) else _plain  # the function itself marks what to leave out


def load_from_local(filename: str, map_location: object = None) -> dict:
    """Follow mmengine's contract of a loader; tensors stay on the CPU until the state is loaded."""
    del map_location
    return read_checkpoint(filename)


def load_from_url(filename: str, map_location: object = None) -> dict:
    """Download a file to torch's cache, unless it is there, and read it as a local one.

    Raises:
        InputError: it cannot be downloaded, or is not a checkpoint.
    """
    del map_location
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(filename).path).name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(filename, str(path))
        except (URLError, OSError) as error:
            raise InputError(f"{filename}: cannot be downloaded ({error}); download it and give its path") from error
    return read_checkpoint(path)


def _refuse(filename: str, map_location: object = None) -> dict:
    del map_location
    raise InputError(f"{filename}: this kind of address is not supported; download the file and give its path")
