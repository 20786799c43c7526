"""The device and the processes of a run: what was asked for, or an error, never something else in silence."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

import mmengine.device.utils
import torch

from depthkit.errors import InputError

LAUNCHERS = ("none", "pytorch")


def check_device(name: str) -> torch.device:
    """The device called `name` (``cpu``, ``cuda``, ``cuda:1``, ``mps``), after a first allocation on it.

    Raises:
        InputError: there is no such device on this machine.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()  # fails for drivers that are missing, and for "meta"
    except (RuntimeError, AssertionError, NotImplementedError, ValueError) as error:
        there = ["cpu"]
        there += [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
        there += ["mps"] if torch.backends.mps.is_available() else []
        raise InputError(f"device '{name}': is not on this machine; expected one of {', '.join(there)}") from error
    return device


def select_device(name: str | None = None) -> torch.device:
    """Make `name` the device of this process and of mmengine; None takes the GPU if there is one.

    Raises:
        InputError: there is no such device on this machine.
    """
    if name is None:
        return torch.device(mmengine.device.utils.DEVICE)
    device = check_device(name)
    if device.type == "cuda":
        torch.cuda.set_device(device.index or 0)
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
        torch.distributed.barrier()  # nobody leaves while others still talk to it
    finally:
        # A wrapped model that outlives the group aborts the process at its exit, now and then, with gloo.
        gc.collect()
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
