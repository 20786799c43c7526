"""A prediction of how much the next layer will change each token (ours)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class UpdateHead(nn.Module):
    """Predict the logarithm of the norm of the next layer's update of a token.

    A linear map of the token, normalised, and of the logarithm of the norm of its last update. It starts as the latter
    alone: the next update is like the last one.

    Args:
        dim: channels C of a token.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        # Not an nn.Linear, which timm's models initialise anew after they have built it.
        self.weight = nn.Parameter(torch.cat([torch.zeros(dim), torch.ones(1)]).unsqueeze(0))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, tokens: Tensor, last: Tensor) -> Tensor:
        """Predict (B, N) from tokens (B, N, C) and the norms of their last updates (B, N)."""
        features = F.layer_norm(tokens, tokens.shape[-1:])
        features = torch.cat([features, log_norm(last).to(features.dtype).unsqueeze(-1)], dim=-1)
        return F.linear(features, self.weight, self.bias).squeeze(-1)


def log_norm(norm: Tensor) -> Tensor:
    """Return the logarithm of norms, of zero that of a tiny one."""
    return norm.clamp(min=1e-6).log()


def update_loss(predicted: Tensor, update: Tensor) -> Tensor:
    """Return the mean square error of predictions (B, T); the true updates (B, T, C) get no gradient."""
    return F.mse_loss(predicted.float(), log_norm(update.detach().float().norm(dim=-1)))
