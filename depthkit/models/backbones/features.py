"""What a backbone hands to decoders and classifiers, the same for every backbone."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class Features:
    """The output of a backbone for a batch of images (B, 3, H, W).

    Attributes:
        maps: for each tapped layer its map (B, C, h, w), normalised if the backbone's `norm_maps` says so; a
            pair of it and the prefix tokens (B, P, C) where the backbone has such tokens.
        tokens: normalised tokens (B, N, C) after the last layer, prefix tokens first; None unless requested.
        losses: auxiliary losses of the backbone in training, scalars named ``loss_*``.
    """

    maps: Sequence[Tensor | tuple[Tensor, Tensor]] = ()
    tokens: Tensor | None = None
    losses: dict[str, Tensor] = field(default_factory=dict)

    @property
    def patch_maps(self) -> tuple[Tensor, ...]:
        """The maps (B, C, h, w) without prefix tokens, as mm's necks and heads take them."""
        return tuple(one if isinstance(one, Tensor) else one[0] for one in self.maps)
