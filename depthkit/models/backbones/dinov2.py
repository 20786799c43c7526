"""DINOv2: the vision transformer of the published depth models."""

from collections.abc import Sequence
from pathlib import Path

from depthkit.models.backbones.deit import DeiT, ImageSize
from depthkit.models.layers.positions import PositionResampling
from depthkit.registry import MODELS
from depthkit.utils.validation import Count, Index, Positive, validate_arguments

_SIZES = {384: "small", 768: "base", 1024: "large"}


@MODELS.register_module()
class DINOv2(DeiT):
    """DINOv2 (Oquab et al., TMLR 2024, arXiv 2304.07193): `DeiT` with patches of 14 px and LayerScale.

    State-dict keys are those of timm's ``vit_*_patch14_dinov2``. As the backbone of Depth-Anything every tapped map is
    normalised, and the position table is resampled with the authors' offset.

    Args:
        img_size, patch_size, embed_dim, depth, num_heads: as `DeiT`'s; 384, 12, 6 (small), 768, 12, 12 (base) or 1024,
            24, 16 (large) for the last three.
        reg_tokens: number of register tokens (Darcet et al., ICLR 2024); the published models with registers have 4
            and need ``position_resampling="timm"``.
        init_values: start value of LayerScale.
        out_indices, pretrained, position_resampling, norm_maps, norm_eps: as `DeiT`'s; Depth-Anything-3 has
            ``norm_eps=1e-5``.
        **deit: the other arguments of `DeiT`.

    Raises:
        InputError: an argument is wrong, or the weights are not available or do not fit.
    """

    @validate_arguments
    def __init__(
        self,
        img_size: ImageSize = 518,
        patch_size: Count = 14,
        embed_dim: Count = 384,
        depth: Count = 12,
        num_heads: Count = 6,
        reg_tokens: Index = 0,
        init_values: Positive = 1.0,
        out_indices: Sequence[int] | None = None,
        pretrained: bool | str | Path | None = None,
        position_resampling: PositionResampling = "dinov2",
        norm_maps: bool = True,
        norm_eps: Positive = 1e-6,
        **deit,
    ) -> None:
        super().__init__(
            img_size=img_size,
            patch_size=patch_size,
            embed_dim=embed_dim,
            depth=depth,
            num_heads=num_heads,
            reg_tokens=reg_tokens,
            init_values=init_values,
            out_indices=out_indices,
            pretrained=pretrained,
            position_resampling=position_resampling,
            norm_maps=norm_maps,
            norm_eps=norm_eps,
            **{"no_embed_class": reg_tokens > 0, **deit},  # as timm's: registers have no position
        )

    @property
    def hub_name(self) -> str:
        """Name of the model of this size in timm."""
        size = _SIZES.get(self.embed_dim, f"{self.embed_dim}-channel")
        registers = f"_reg{self.num_reg_tokens}" if self.num_reg_tokens else ""
        return f"vit_{size}_patch{self.patch_embed.patch_size[0]}{registers}_dinov2"
