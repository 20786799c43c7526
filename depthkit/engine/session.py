"""mmengine's process-wide settings, changed for one training or evaluation and then put back."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import mmengine.device.utils
import torch

from depthkit.engine.checkpoints import strict_loading
from depthkit.registry import depthkit_scope


@contextmanager
def engine_session(device: torch.device) -> Iterator[None]:
    """Inside, mmengine loads strictly, builds in depthkit's scope, and runs on `device`."""
    before = mmengine.device.utils.DEVICE
    with strict_loading(), depthkit_scope(), torch.cuda.device(device) if device.type == "cuda" else nullcontext():
        mmengine.device.utils.DEVICE = device.type  # what the Runner moves the model and the data to
        try:
            yield
        finally:
            mmengine.device.utils.DEVICE = before
