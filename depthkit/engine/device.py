"""The device and the processes of a run: what was asked for, or an error, never something else in silence."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import mmengine.device.utils
import torch

from depthkit.errors import InputError

LAUNCHERS = ("none", "pytorch")


def select_device(name: str | None = None) -> torch.device:
    """Make `name` (``cpu``, ``cuda``, ``cuda:1``, ``mps``) the device of this process; None takes the GPU if
    there is one.

    Raises:
        InputError: a name that torch does not know, or a device that this machine does not have.
    """
    if name is None:
        return torch.device(mmengine.device.utils.DEVICE)
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"device '{name}': expected cpu, cuda, cuda:<number> or mps") from None
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise InputError(
                f"device '{name}': this machine has {count} CUDA devices that torch can use; try cpu"
            )
        torch.cuda.set_device(device.index or 0)
    elif device.type == "mps":
        if not torch.backends.mps.is_available():
            raise InputError("device 'mps': this machine has none; try cpu")
    elif device.type != "cpu":
        raise InputError(f"device '{name}': expected cpu, cuda, cuda:<number> or mps")
    # What mmengine's get_device() returns, which its Runner moves the model and the data to.
    mmengine.device.utils.DEVICE = device.type
    return device


@contextmanager
def process_group(launcher: str, device: torch.device) -> Iterator[None]:
    """Join the processes that torchrun started (`launcher` ``pytorch``): nccl between GPUs, gloo otherwise.

    mmengine's own way calls CUDA also on a machine without it.

    Raises:
        InputError: launched by torchrun without `launcher`, the reverse, or more processes than GPUs.
    """
    if launcher not in LAUNCHERS:
        raise InputError(f"launcher '{launcher}': expected one of {', '.join(LAUNCHERS)}")
    if launcher == "none":
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise InputError(
                f"torchrun started {os.environ['WORLD_SIZE']} processes that would all do the same; add "
                "--launcher pytorch"
            )
        yield
        return
    if "LOCAL_RANK" not in os.environ:
        raise InputError(
            "--launcher pytorch: not started by torchrun; use torchrun --nproc_per_node 2 tools/train.py ... "
            "--launcher pytorch"
        )
    if device.type == "cuda":
        local_rank = int(os.environ["LOCAL_RANK"])
        if local_rank >= torch.cuda.device_count():
            raise InputError(
                f"--nproc_per_node asks for more processes than there are GPUs ({torch.cuda.device_count()})"
            )
        torch.cuda.set_device(local_rank)
    torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


def wrapper_config(launcher: str, device: torch.device, find_unused: bool) -> dict | None:
    """mmengine's `model_wrapper_cfg` for `process_group`'s processes; None for a single one."""
    if launcher == "none":
        return None
    return {
        "type": "MMDistributedDataParallel",
        "device_ids": [torch.cuda.current_device()] if device.type == "cuda" else None,
        "broadcast_buffers": False,
        "find_unused_parameters": find_unused,
    }
