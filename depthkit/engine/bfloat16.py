"""Training in bfloat16, on a CPU too."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from depthkit.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """An OptimWrapper (same arguments) whose forward pass runs under torch's autocast to bfloat16.

    Weights, gradients and what the decoder gives stay float32. bfloat16 has float32's range, so the loss is not scaled
    as mmengine's AmpOptimWrapper does, which needs a GPU. A CPU with instructions for it (avx512_bf16, amx) is 2 to 3
    times as fast; without them it is slower than in float32.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Run the block, the model's forward pass, in bfloat16."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, dtype=torch.bfloat16):
            yield
