"""How many patches a fraction of them is, also where this is known only when an exported graph runs."""

import math
from collections.abc import Callable

import torch

_OF_TENSORS = {round: torch.round, math.ceil: torch.ceil}


def fraction_of(patches: int, rate: float, rounding: Callable[[float], int]) -> int:
    """Return ``rounding(rate * patches)``, at least 1; rate in (0, 1], rounding `round` or `math.ceil`.

    In a graph of torch.export the product is a tensor of one double: neither torch's format nor ONNX's can write
    down the rounding of a size, and ONNX's exporter would multiply in float32, which rounds 0.7 * 45 to the other
    side. Such a graph presumes that a rate below 1 leaves a patch out.
    """
    if rate == 1:
        return patches
    if not (torch.compiler.is_exporting() and isinstance(patches, torch.SymInt)):
        return max(1, rounding(rate * patches))
    product = torch.scalar_tensor(patches, dtype=torch.float64) * rate
    count = _OF_TENSORS[rounding](product).to(torch.int64).clamp(min=1).item()
    torch._check(count >= 1)
    torch._check(count < patches)
    return count
