"""What the two layers of a ToSA pair hand on beside the tokens."""

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass
class PairState:
    """State of a pair in one forward pass: what its two layers hand on beside the tokens.

    Attributes:
        grid: (h, w) of the patches.
        second: the second layer, a `SelectiveBlock`; None where the first layer has no partner.
        with_loss: compute the selector's loss.
        attended_before: tokens that the token selective layer of the pair before attended, as `index`.
        index: tokens to attend in the second layer, (B, H or 1, T); None for all of them.
        weights: how much patches that skip follow each of their neighbours, see
            `depthkit.models.layers.neighbours.neighbour_weights`; None where they stay unchanged.
        gathered: the second layer returns only these tokens, and is given only them if it follows another.
        query: queries (B, H, N, d) of the first layer, without gradient; kept only for the loss.
        key: its keys (B, H, N, d), likewise.
        update: norms (B, N) of the first layer's update of each token; kept only for the loss.
        loss: the selector's loss, a scalar.
    """

    grid: tuple[int, int]
    second: nn.Module | None
    with_loss: bool
    attended_before: Tensor | None = None
    index: Tensor | None = None
    weights: Tensor | None = None
    gathered: bool = False
    query: Tensor | None = None
    key: Tensor | None = None
    update: Tensor | None = None
    loss: Tensor | None = None
