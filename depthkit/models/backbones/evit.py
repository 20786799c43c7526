"""EViT: a DeiT that keeps the patches that its class token attends to, and fuses or drops the others."""

import math
from collections.abc import Iterator, Sequence
from functools import partial

from timm.models.vision_transformer import Block
from torch import Tensor

from depthkit.errors import InputError
from depthkit.models.backbones.layerwise import LayerwiseDeiT
from depthkit.models.layers.branches import add_attention, add_mlp
from depthkit.models.layers.keep_rates import KeepRates, check_keep_rates
from depthkit.models.layers.patch_counts import fraction_of
from depthkit.models.layers.selector import importance
from depthkit.models.layers.token_trace import TokenTrace
from depthkit.models.layers.tokens import keep_top
from depthkit.registry import MODELS
from depthkit.utils.validation import Count, Index, validate_arguments

# Layers 4, 7 and 10: where the paper reorganises (its section 4), 0-based.
REORGANISING = (3, 6, 9)


class ReorganisingBlock(Block):
    """A transformer layer (timm's `Block`) that keeps only important patches between attention and MLP.

    EViT (Liang et al., ICLR 2022, arXiv 2202.07800), figure 2. Importance is the class token's attention to a
    patch, mean over heads; no other row of the attention map is formed.

    Args:
        dim: channels C of a token.
        num_heads: attention heads.
        num_prefix_tokens: class token first, then others; all are always kept.
        keep_rate: fraction of the patches to keep, in (0, 1]; 1 for a standard layer.
        fuse_token: append the sum of the other patches, weighted by importance.
        **block: further arguments of timm's `Block`.
    """

    def __init__(
        self, dim: int, num_heads: int, num_prefix_tokens: int, keep_rate: float, fuse_token: bool, **block
    ) -> None:
        super().__init__(dim, num_heads, **block)
        self.num_prefix_tokens = num_prefix_tokens
        self.keep_rate = keep_rate
        self.fuse_token = fuse_token

    def forward(self, x: Tensor) -> Tensor:
        """Turn tokens (B, N, C) into as many or fewer."""
        return self.reorganise(x)[0]

    def reorganise(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Run the layer and tell what it kept.

        Returns:
            Tokens as `forward` gives them; the kept patches as indices (B, K) among those of `x`, None where all
            were kept.
        """
        patches = x.shape[1] - self.num_prefix_tokens
        count = fraction_of(patches, self.keep_rate, math.ceil)
        x, q, k = add_attention(self, x)
        index = None
        if count < patches:
            scores = importance(q[:, :, :1] * self.attn.scale @ k.transpose(-2, -1)).mean(dim=1)
            x, index = keep_top(x, scores, count, self.num_prefix_tokens, self.fuse_token)
        del q, k  # they need not live through the MLP
        return add_mlp(self, x), index


@MODELS.register_module()
class EViT(LayerwiseDeiT):
    """EViT (Liang et al., ICLR 2022, arXiv 2202.07800) on a DeiT; timm's state-dict keys.

    In layers 4, 7 and 10, after attention, the ``ceil(keep_rate * n)`` of n patches that the class token attends
    to most, mean over heads, are kept in descending order of importance. The others become one token behind them,
    their sum weighted by importance, which counts as a patch in later layers. Then follows the MLP. Where all patches
    would be kept, nothing is reordered. Class and distillation tokens are never removed. Images of any size.

    For a decoder the tokens are put back on the grid: a removed patch shows the fused token of the layer that
    removed it as it is at the tapped layer or, without fusion, what it was when it entered the layer that
    removed it.

    Args:
        keep_rate: fraction of the patches to keep: one number for layers 4, 7 and 10, or one for each of the `depth`
            layers, 1 where nothing is removed.
        fuse_token: fuse the removed patches into one token; else they are dropped.
        class_token: must be True.
        depth, distilled, reg_tokens, **deit: the arguments of `DeiT` and of timm's VisionTransformer, such as
            `embed_dim`, `out_indices` and `pretrained`.

    Raises:
        InputError: an argument is wrong, there is no class token or none of the layers, or the weights are not
            available or do not fit.
    """

    @validate_arguments
    def __init__(
        self,
        keep_rate: KeepRates = 0.7,
        fuse_token: bool = True,
        depth: Count = 12,
        distilled: bool = False,
        class_token: bool = True,
        reg_tokens: Index = 0,
        **deit,
    ) -> None:
        rates = check_keep_rates(keep_rate, depth, "layers")
        chosen = REORGANISING
        if isinstance(keep_rate, Sequence):
            chosen = tuple(i for i, rate in enumerate(rates) if rate < 1) or REORGANISING
        rates = _rates_in(chosen, rates)
        if not class_token:
            raise InputError("class_token=False: EViT ranks patches by the class token's attention; leave it out")
        if deit.get("patch_drop_rate", 0):
            raise InputError("patch_drop_rate: the indices of kept patches refer to the complete grid; leave it out")
        prefix = 1 + distilled + reg_tokens
        make_block = partial(_make_block, rates=rates, num_prefix_tokens=prefix, fuse_token=fuse_token)
        super().__init__(depth=depth, distilled=distilled, reg_tokens=reg_tokens, block_fn=make_block, **deit)
        self.fuse_token = fuse_token
        self._reorganising = chosen

    @property
    def keep_rate(self) -> tuple[float, ...]:
        """The keep rate of each layer; assign one for each, or one number for those built to remove tokens."""
        return tuple(block.keep_rate for block in self.blocks)

    @keep_rate.setter
    def keep_rate(self, keep_rate: float | Sequence[float]) -> None:
        rates = check_keep_rates(keep_rate, len(self.blocks), "layers")
        if not isinstance(keep_rate, Sequence):
            rates = _rates_in(self._reorganising, rates)
        for block, rate in zip(self.blocks, rates, strict=True):
            block.keep_rate = rate

    def forward_features(
        self, x: Tensor, attn_mask: None = None, return_indices: bool = False
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Turn images (B, 3, H, W) into the normalised tokens that are left, (B, M, C), prefix tokens first.

        Returns:
            The tokens; with `return_indices` also, for each layer that removed patches, those it kept as indices
            (B, K) into the image's grid, counted row by row, in descending order of importance; -1 stands for
            a fused token of an earlier layer.
        """
        self._check_no_mask(attn_mask)
        if not return_indices:
            return super().forward_features(x)
        trace = self._new_state(x)
        tokens, _ = self._run_layers(x, trace)
        return self.norm(tokens), trace.kept

    def _new_state(self, x: Tensor) -> TokenTrace:
        height, width = self.patch_embed.dynamic_feat_size(x.shape[-2:])
        return TokenTrace(x.shape[0], height * width, self.num_prefix_tokens, self.fuse_token, x.device)

    def _layers(self, x: Tensor, trace: TokenTrace, count: int) -> Iterator[Tensor]:
        """Yield the tokens (B, M, C) that are left after each of the first `count` layers."""
        x = self._embed(x)
        for block in self.blocks[:count]:
            before = x
            x, index = self._run(block.reorganise, x)
            if index is not None:
                trace.follow(before, index)
            yield x

    def _all_tokens(self, tokens: Tensor, trace: TokenTrace) -> Tensor:
        return trace.restore(tokens)


def _rates_in(layers: Sequence[int], rates: tuple[float, ...]) -> tuple[float, ...]:
    """Return the rates of `layers`, and 1 for the others; InputError if none would remove anything."""
    chosen = tuple(rate if i in layers else 1.0 for i, rate in enumerate(rates))
    if min(rates) < 1 and min(chosen) == 1:
        named = ", ".join(str(i + 1) for i in layers)
        raise InputError(
            f"keep_rate={min(rates)}: one number stands for layers {named}, of which depth={len(rates)} has none; "
            "give one rate for each layer"
        )
    return chosen


def _make_block(*, depth: int, rates: tuple[float, ...], **arguments) -> ReorganisingBlock:
    """Build layer `depth` (0-based)."""
    return ReorganisingBlock(depth=depth, keep_rate=rates[depth], **arguments)
