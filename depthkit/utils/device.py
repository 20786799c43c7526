"""The device and the processes of a run: what was asked for, or an error, never a silent fallback."""

import gc
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch.distributed import PrefixStore
from torch.distributed.rendezvous import rendezvous

from depthkit.errors import InputError

LAUNCHERS = ("none", "pytorch")
_TIMEOUT = timedelta(minutes=10)  # of the start, and of any exchange between processes
# What gloo, nccl and torch's store say of a process that has ended, or does not answer.
_LOST = re.compile(
    r"connection (was )?(closed|reset|refused)|broken pipe|remote process exited|socket closed|timed ?out|timeout",
    re.IGNORECASE,
)


def select_device(name: str | None = "auto") -> torch.device:
    """Return the device called `name`, after a first allocation on it.

    Args:
        name: ``cpu``, ``cuda``, ``cuda:1`` or ``mps``; ``auto`` or None takes a GPU if there is one.

    Raises:
        InputError: there is no such device on this machine.
    """
    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name in (None, "auto"):
        name = "cuda" if has_cuda else "mps" if has_mps else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()  # fails without a driver, and for "meta"
    except (RuntimeError, AssertionError, NotImplementedError, ValueError, ImportError, AttributeError) as error:
        known = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count() if has_cuda else 0))]
        known += ["mps"] * has_mps
        raise InputError(f"device '{name}': is not on this machine; expected one of {', '.join(known)}") from error
    return device


@contextmanager
def process_group(launcher: str, device: torch.device) -> Iterator[None]:
    """Join the processes that torchrun started: nccl between GPUs, gloo otherwise.

    mmengine's own function calls CUDA also on a machine without it.

    Raises:
        InputError: launched by torchrun without `launcher`, the reverse, more processes than GPUs, processes that do
            not find each other, or one that ends or stops answering before the block has ended.
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
            "--launcher pytorch: not started by torchrun; use torchrun --nproc_per_node 2 -m depthkit.cli.main "
            "train ... --launcher pytorch"
        )
    if device.type == "cuda":
        local_rank = int(os.environ["LOCAL_RANK"])
        if local_rank >= torch.cuda.device_count():
            raise InputError(
                "--nproc_per_node asks for more processes than there are GPUs; give at most "
                f"{torch.cuda.device_count()}"
            )
        torch.cuda.set_device(local_rank)
    _join("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
        torch.distributed.barrier()  # no process leaves while others still talk to it
    except RuntimeError as error:
        if not _LOST.search(str(error)):
            raise
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"another process of this run has ended or does not answer ({reason}); see its own message, then start all "
            "of them again, a training with --resume"
        ) from error
    finally:
        # With gloo, a wrapped model that outlives the group sometimes aborts the process at its exit.
        gc.collect()
        torch.distributed.destroy_process_group()


def wrapper_config(launcher: str, device: torch.device, find_unused: bool) -> dict | None:
    """Return mmengine's `model_wrapper_cfg` for the processes of `process_group`, None for a single one."""
    if launcher == "none":
        return None
    return {
        "type": "MMDistributedDataParallel",
        "device_ids": [torch.cuda.current_device()] if device.type == "cuda" else None,
        "broadcast_buffers": False,
        "find_unused_parameters": find_unused,
    }


def _join(backend: str) -> None:
    """Join the process group; a start that hangs ends as an InputError."""
    if backend == "gloo" and os.environ.get("LOCAL_WORLD_SIZE") == os.environ.get("WORLD_SIZE"):
        # All processes are on this machine. By default gloo resolves the machine's name, and the interface that
        # this gives may be slow or down.
        loopback = [name for _, name in socket.if_nameindex() if name in ("lo", "lo0")]
        if loopback:
            os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback[0])
    restart, place = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"), {}
    try:
        if restart != "0":  # torchrun's store still has the addresses of the processes before
            store, rank, size = next(rendezvous("env://", timeout=_TIMEOUT))
            place = {"store": PrefixStore(f"restart_{restart}", store), "rank": rank, "world_size": size}
        torch.distributed.init_process_group(backend, timeout=_TIMEOUT, **place)
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"the processes that torchrun started did not find each other ({reason}); start them again, or name the "
            "network interface in GLOO_SOCKET_IFNAME or NCCL_SOCKET_IFNAME"
        ) from error
