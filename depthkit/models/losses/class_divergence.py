"""How far class probabilities are from those of a teacher."""

import torch.nn.functional as F
from torch import Tensor


def class_divergence(logits: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    """Return the KL divergence (B,) of the class probabilities of `logits` from those of `wanted`.

    Both are logits (B, classes). The temperature divides them, and its square multiplies the result, which keeps
    the size of the gradients (Hinton et al., 2015).
    """
    own, true = ((one.float() / temperature).log_softmax(dim=-1) for one in (logits, wanted))
    return F.kl_div(own, true, log_target=True, reduction="none").sum(dim=-1) * temperature**2
