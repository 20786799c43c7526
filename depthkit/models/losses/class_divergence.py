"""How far class probabilities are from those of a teacher."""

import torch.nn.functional as F
from torch import Tensor


def class_divergence(logits: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    """KL divergence (B,) of the class probabilities by `logits` from those by `wanted`, both (B, classes).

    At a temperature that divides both, times its square, which keeps gradients as large (Hinton et al., 2015).
    """
    own, true = ((one.float() / temperature).log_softmax(dim=-1) for one in (logits, wanted))
    return F.kl_div(own, true, log_target=True, reduction="none").sum(dim=-1) * temperature**2
