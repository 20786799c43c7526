"""What a forward pass of a model got, and how long it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from mmseg.structures import SegDataSample
from torch import Tensor, nn


@dataclass
class Observation:
    """One forward pass.

    Attributes:
        inputs: normalised (1, 3, h, w).
        sample: what is known of the image.
        seconds: that the pass took [s].
    """

    inputs: Tensor
    sample: SegDataSample
    seconds: float = 0.0


@contextmanager
def observe(model: nn.Module) -> Iterator[list[Observation]]:
    """Observe the passes of a depth model within the block; each is added to the list."""
    passes: list[Observation] = []

    def begin(module: nn.Module, arguments: tuple) -> None:
        if len(arguments) == 1:  # the network within a pass, which torch in a lower precision calls
            return
        inputs, samples = arguments[:2]
        _wait(inputs.device)
        passes.append(Observation(inputs, samples[0], time.perf_counter()))

    def end(module: nn.Module, arguments: tuple, output: object) -> None:
        if len(arguments) == 1:
            return
        _wait(passes[-1].inputs.device)
        passes[-1].seconds = time.perf_counter() - passes[-1].seconds

    hooks = (model.register_forward_pre_hook(begin), model.register_forward_hook(end))
    try:
        yield passes
    finally:
        for hook in hooks:
            hook.remove()


def _wait(device: torch.device) -> None:
    """Wait until a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
