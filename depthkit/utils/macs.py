"""How much a model computes: multiply-accumulates of a forward pass."""

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def count_macs(model: nn.Module, images: Tensor) -> int:
    """Count the multiply-accumulates of one forward pass over `images` (B, 3, H, W), attention included.

    Attention runs with the plain kernel, because torch's counter does not see the fused one on a CPU. Selectors and
    score rows count; gather, scatter, softmax and norms do not.
    """
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH), counter:
        model(images)
    return counter.get_total_flops() // 2
