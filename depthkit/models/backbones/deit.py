"""DeiT, the dense baseline: timm's VisionTransformer, with any input size and maps for a decoder."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from timm.layers import LayerNorm
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.models.backbones.features import Features
from depthkit.models.backbones.timm_arguments import TimmArguments
from depthkit.models.further_arguments import check_further_arguments
from depthkit.models.layers.gelu import GELU
from depthkit.models.layers.positions import PositionResampling, resample_positions
from depthkit.models.weights import load_backbone
from depthkit.registry import MODELS
from depthkit.utils.validation import Count, Index, Positive, Rate, check_values, validate_arguments

SIZES = {
    "tiny": dict(embed_dim=192, num_heads=3),
    "small": dict(embed_dim=384, num_heads=6),
    "base": dict(embed_dim=768, num_heads=12),
}


# Side [px] of a square, or (height, width) [px].
ImageSize = Count | Annotated[Sequence[Count], Field(min_length=2, max_length=2)]


def check_out_indices(out_indices: Sequence[int] | None, depth: int) -> tuple[int, ...] | None:
    """Return `out_indices` as a tuple, None as None.

    Raises:
        InputError: they are not 0-based indices of some of `depth` layers, in ascending order.
    """
    if out_indices is None:
        return None
    indices = tuple(out_indices)
    if not indices or list(indices) != sorted(set(indices)) or not all(0 <= i < depth for i in indices):
        raise InputError(f"out_indices={out_indices}: expected 0-based layers below depth={depth}, in ascending order")
    return indices


@MODELS.register_module()
class DeiT(VisionTransformer):
    """DeiT (Touvron et al., ICML 2021), with or without distillation token; timm's state-dict keys.

    Without `out_indices` it is a timm model: ``model(x)`` gives logits (num_classes > 0) or pooled features.
    With them it is an mm backbone: ``model(x)`` gives one map (B, C, h, w) for each chosen layer, h and w being
    the input's size in patches, rounded up. `extract_features` gives the prefix tokens and the final tokens too.
    Position embeddings are resampled to the input's grid.

    Args:
        img_size: size [px] of the learned position table; inputs may have any size.
        patch_size: side of a patch [px].
        embed_dim: channels C of a token: 192 (tiny), 384 (small) or 768 (base).
        depth: number of layers.
        num_heads: attention heads; 3, 6 and 12 in the three sizes.
        num_classes: 0 for no classifier.
        distilled: with a distillation token, and a second classifier whose logits are averaged in.
        out_indices: 0-based layers whose output becomes a map.
        pretrained: True (timm's hub), the path of a local file in timm's or DeiT's own layout, or None.
        mlp_ratio: hidden channels of an MLP, as a multiple of C.
        drop_path_rate: stochastic depth: the probability with which the last layer is dropped.
        block_fn: layer constructor, as timm's.
        position_resampling: how the position table is resampled to the input's grid: ``timm`` (bicubic, with
            antialiasing), ``dinov2``, ``bicubic`` or ``bilinear``: see
            `depthkit.models.layers.positions.resample_positions`.
        norm_maps: apply the final norm to each of the maps and its prefix tokens, as DINOv2's decoders expect.
        norm_eps: added to the variance in every LayerNorm.
        **timm: further arguments of timm's VisionTransformer.

    Raises:
        InputError: an argument is wrong, or the weights are not available or do not fit.
    """

    # Of a model of timm's that becomes one of ours without this constructor (`tosa_from_timm`).
    position_resampling: PositionResampling = "timm"
    norm_maps = False

    @validate_arguments
    def __init__(
        self,
        img_size: ImageSize = 224,
        patch_size: Count = 16,
        embed_dim: Count = 384,
        depth: Count = 12,
        num_heads: Count = 6,
        num_classes: Index = 0,
        distilled: bool = False,
        out_indices: Sequence[int] | None = None,
        pretrained: bool | str | Path | None = None,
        mlp_ratio: Positive = 4.0,
        drop_path_rate: Rate = 0.0,
        block_fn: Callable[..., nn.Module] = Block,
        position_resampling: PositionResampling = "timm",
        norm_maps: bool = False,
        norm_eps: Positive = 1e-6,
        **timm,
    ) -> None:
        check_further_arguments(type(self), timm, VisionTransformer)
        timm = check_values(type(self).__name__, timm, TimmArguments)
        if distilled and (timm.get("reg_tokens") or not timm.get("class_token", True)):
            raise InputError("distilled=True: expected a class token and reg_tokens=0, as in timm's distilled model")
        if min(img_size if isinstance(img_size, Sequence) else [img_size]) < patch_size:
            raise InputError(f"img_size={img_size}: expected sides of one patch ({patch_size} px) at least")
        if embed_dim % num_heads:
            raise InputError(f"embed_dim={embed_dim}: expected a multiple of num_heads={num_heads}")
        super().__init__(
            img_size=img_size,
            patch_size=patch_size,
            embed_dim=embed_dim,
            depth=depth,
            num_heads=num_heads,
            num_classes=num_classes,
            mlp_ratio=mlp_ratio,
            drop_path_rate=drop_path_rate,
            block_fn=block_fn,
            **{
                "dynamic_img_size": True,
                "dynamic_img_pad": True,
                "act_layer": GELU,
                "norm_layer": partial(LayerNorm, eps=norm_eps),
                **timm,
            },
        )
        self.position_resampling = position_resampling
        self.norm_maps = norm_maps
        self.distilled = distilled
        if distilled:
            self._add_distillation_token()
        self.out_indices = check_out_indices(out_indices, depth)
        if pretrained not in (None, False):  # "" is a path too, of nothing
            load_backbone(self, pretrained, self.hub_name, optional=("selector",))
        # timm initialises in the constructor. Were the model not marked as initialised, mmengine would call timm's
        # `init_weights` once more, over the pretrained weights.
        self.is_init = True

    @property
    def hub_name(self) -> str:
        """Name of the dense model of this size in timm."""
        sizes = {arguments["embed_dim"]: size for size, arguments in SIZES.items()}
        size = sizes.get(self.embed_dim, f"{self.embed_dim}-channel")
        patch = self.patch_embed.patch_size[0]
        return f"deit_{size}{'_distilled' if self.distilled else ''}_patch{patch}_224"

    def _add_distillation_token(self) -> None:
        self.num_prefix_tokens = 2
        self.dist_token = nn.Parameter(torch.zeros(1, 1, self.embed_dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, self.patch_embed.num_patches + 2, self.embed_dim))
        self.head_dist = nn.Linear(self.embed_dim, self.num_classes) if self.num_classes else nn.Identity()
        self.distilled_training = False
        nn.init.trunc_normal_(self.dist_token, std=0.02)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        if self.num_classes:
            nn.init.zeros_(self.head_dist.weight)
            nn.init.zeros_(self.head_dist.bias)

    # timm has a class of its own for the distilled model; its methods below use attributes only.
    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Replace the classifier; both classifiers of a distilled model."""
        if self.distilled:
            VisionTransformerDistilled.reset_classifier(self, num_classes, global_pool)
        else:
            super().reset_classifier(num_classes, global_pool)

    def _pos_embed(self, x: Tensor) -> Tensor:
        """Add prefix tokens and positions to patches (B, h, w, C); (B, N, C) in models of one fixed size."""
        if self.position_resampling == "timm" or not self.dynamic_img_size or self.pos_embed is None:
            return VisionTransformerDistilled._pos_embed(self, x) if self.distilled else super()._pos_embed(x)
        table = resample_positions(self.pos_embed, self.patch_embed.grid_size, x.shape[1:3], self.position_resampling)
        prefix = [self.cls_token, self.dist_token if self.distilled else self.reg_token]
        prefix = [token.expand(x.shape[0], -1, -1) for token in prefix if token is not None]
        if self.no_embed_class:  # the table has patches only
            return self.pos_drop(torch.cat([*prefix, x.flatten(1, 2) + table], dim=1))
        return self.pos_drop(torch.cat([*prefix, x.flatten(1, 2)], dim=1) + table)

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor | tuple[Tensor, Tensor]:
        """Classify tokens (B, N, C): logits (B, num_classes), as timm's model of the same kind gives."""
        if self.distilled:
            return VisionTransformerDistilled.forward_head(self, x, pre_logits)
        return super().forward_head(x, pre_logits)

    def extract_features(self, x: Tensor, with_tokens: bool = False) -> Features:
        """Take the maps of `out_indices`, and on request the final tokens, from one pass.

        Args:
            x: images (B, 3, H, W).
            with_tokens: run all layers and return the normalised tokens too; else stop after the last tapped layer.

        Returns:
            `Features`, without maps where `out_indices` is None.
        """
        if self.out_indices is None:
            return Features(tokens=self.forward_features(x) if with_tokens else None)
        found = self.forward_intermediates(
            x,
            indices=list(self.out_indices),
            return_prefix_tokens=True,
            norm=self.norm_maps,
            stop_early=not with_tokens,
            intermediates_only=not with_tokens,
        )
        tokens, maps = found if with_tokens else (None, found)
        return Features(maps, tokens)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Turn images (B, 3, H, W) into logits or pooled features, or into one map for each of `out_indices`."""
        if self.out_indices is not None:
            return self.extract_features(x).patch_maps
        return self.forward_head(self.forward_features(x))
