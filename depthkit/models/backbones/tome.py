"""ToMe: a DeiT that merges similar tokens in every layer, and spreads them out again for a decoder."""

from collections.abc import Iterator, Sequence
from functools import partial

from timm.models.vision_transformer import Block
from torch import Tensor

from depthkit.errors import InputError
from depthkit.models.backbones.features import Features
from depthkit.models.backbones.layerwise import LayerwiseDeiT
from depthkit.models.layers.branches import add_attention, add_mlp
from depthkit.models.layers.keep_rates import KeepRates, check_keep_rates
from depthkit.models.layers.merging import TokenGroups, merge
from depthkit.models.layers.patch_counts import fraction_of
from depthkit.registry import MODELS
from depthkit.utils.validation import Count, Index, validate_arguments


class MergingBlock(Block):
    """A transformer layer (timm's `Block`) that merges patches between attention and MLP.

    Args:
        dim, num_heads: of timm's `Block`.
        num_prefix_tokens: they come first, and are never merged.
        proportional: attend to a merged token as to all that it stands for.
        **block: further arguments of timm's `Block`.
    """

    def __init__(self, dim: int, num_heads: int, num_prefix_tokens: int, proportional: bool, **block) -> None:
        super().__init__(dim, num_heads, **block)
        self.num_prefix_tokens = num_prefix_tokens
        self.proportional = proportional

    def forward(
        self, x: Tensor, sizes: Tensor | None, count: int | None
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Run the layer, and merge `count` patches; None: nothing is merged.

        Args:
            x: tokens (B, N, C).
            sizes: number of patches that each stands for (B, N); None: all are 1.
            count: at most half of the patches, rounded up.

        Returns:
            Tokens (B, N - count, C), and the sizes and places of `merge`; None where nothing was merged.
        """
        # Proportional attention (section 3, "Tracking Token Size"): log(size) is added to a token's column of the map.
        bias = None if sizes is None or not self.proportional else sizes.log()[:, None, None]
        x, _, k = add_attention(self, x, bias)
        place = None
        if count is not None:
            x, sizes, place = merge(x, sizes, k.mean(dim=1), count, self.num_prefix_tokens)
        del k  # it need not live through the MLP
        return add_mlp(self, x), sizes, place


@MODELS.register_module()
class ToMe(LayerwiseDeiT):
    """Token merging (Bolya et al., ICLR 2023, arXiv 2210.09461) on a DeiT; timm's state-dict keys.

    In each layer, between attention and MLP, the most similar patches (cosine of the keys, mean over heads) are merged
    in pairs into their mean (`depthkit.models.layers.merging.match`). Class and distillation tokens are never merged.
    For a decoder, and where the final tokens are pooled, each merged token is shown at the places of all its patches:
    a mean counts each patch. There is nothing to learn: the weights of a dense model fit, and it can be trained with
    merging. Images of any size.

    Args:
        keep_rate: fraction of the image's patches that are left after each of the `depth` layers, each at least half
            of the one before; or one number, that after the last layer: then every layer merges equally many
            (the paper's constant r).
        proportional: a merged token counts in attention as all that it stands for ("proportional attention").
        depth, distilled, class_token, reg_tokens, **deit: the arguments of `DeiT` and of timm's VisionTransformer, such
            as `embed_dim`, `out_indices` and `pretrained`.

    Raises:
        InputError: an argument is wrong, or the weights are not available or do not fit.
    """

    @validate_arguments
    def __init__(
        self,
        keep_rate: KeepRates = 0.5,
        proportional: bool = True,
        depth: Count = 12,
        distilled: bool = False,
        class_token: bool = True,
        reg_tokens: Index = 0,
        **deit,
    ) -> None:
        rates = _rates_left(keep_rate, depth)
        if deit.get("patch_drop_rate", 0):
            raise InputError("patch_drop_rate: merged patches are counted on the complete grid; leave it out")
        prefix = class_token + distilled + reg_tokens
        make_block = partial(_make_block, num_prefix_tokens=prefix, proportional=proportional)
        super().__init__(
            depth=depth,
            distilled=distilled,
            class_token=class_token,
            reg_tokens=reg_tokens,
            block_fn=make_block,
            **deit,
        )
        self._rates = rates

    @property
    def keep_rate(self) -> tuple[float, ...]:
        """The fraction of patches left after each layer; assign one for each, or that after the last."""
        return self._rates

    @keep_rate.setter
    def keep_rate(self, keep_rate: float | Sequence[float]) -> None:
        self._rates = _rates_left(keep_rate, len(self.blocks))

    def forward_features(self, x: Tensor, attn_mask: None = None) -> Tensor:
        """Turn images (B, 3, H, W) into the normalised tokens that are left, (B, M, C), prefix tokens first."""
        self._check_no_mask(attn_mask)
        tokens, _ = self._run_layers(x, self._new_state(x))
        return self.norm(tokens)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Do what `DeiT.forward` does; what pools the tokens gets each merged one for all its patches."""
        if self.out_indices is not None:
            return super().forward(x)
        return self.forward_head(self.extract_features(x, with_tokens=True).tokens)

    def _extract(self, x: Tensor, groups: TokenGroups, with_tokens: bool) -> Features:
        found = super()._extract(x, groups, with_tokens)
        return Features(found.maps, groups.spread(found.tokens)) if with_tokens else found

    def _new_state(self, x: Tensor) -> TokenGroups:
        return TokenGroups()

    def _layers(self, x: Tensor, groups: TokenGroups, count: int) -> Iterator[Tensor]:
        """Yield the tokens (B, M, C) that are left after each of the first `count` layers."""
        height, width = self.patch_embed.dynamic_feat_size(x.shape[-2:])
        x, left = self._embed(x), height * width
        for block, before, after in zip(self.blocks[:count], (1.0, *self._rates), self._rates, strict=False):
            remaining = fraction_of(height * width, after, round) if after < before else left
            merged, left = left - remaining, remaining
            nothing = isinstance(merged, int) and merged == 0  # in a graph of torch.export it may be a symbol
            x, sizes, place = self._run(block, x, groups.sizes, None if nothing else merged)
            if place is not None:
                groups.follow(sizes, place)
            yield x

    def _all_tokens(self, tokens: Tensor, groups: TokenGroups) -> Tensor:
        return groups.spread(tokens)


def _rates_left(keep_rate: float | Sequence[float], depth: int) -> tuple[float, ...]:
    """Return the fraction of the patches that is left after each layer; see `ToMe`."""
    rates = check_keep_rates(keep_rate, depth, "layers")
    if not isinstance(keep_rate, Sequence):
        rates = tuple(1 - (1 - rates[0]) * (layer + 1) / depth for layer in range(depth))
    if not all(before / 2 <= after <= before for before, after in zip((1.0, *rates), rates, strict=False)):
        raise InputError(
            f"keep_rate={keep_rate}: expected fractions left after each layer, none above the one before nor below "
            "half of it, because a layer merges patches in pairs"
        )
    return rates


def _make_block(*, depth: int, **arguments) -> MergingBlock:
    """Build layer `depth` (0-based)."""
    return MergingBlock(depth=depth, **arguments)
