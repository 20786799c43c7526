"""depthkit's backbones under timm names: ``timm.create_model('tosa_deit_small_patch16_224')``."""

from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from timm.models.vision_transformer import checkpoint_filter_fn

from depthkit.errors import InputError
from depthkit.models.backbones.deit import SIZES, DeiT
from depthkit.models.backbones.evit import EViT
from depthkit.models.backbones.tosa import ToSA


def _cfg(size: str) -> dict:
    return dict(
        hf_hub_id=f"timm/deit_{size}_patch16_224.fb_in1k",
        num_classes=1000,
        input_size=(3, 224, 224),
        interpolation="bicubic",
        crop_pct=0.9,
        mean=IMAGENET_DEFAULT_MEAN,
        std=IMAGENET_DEFAULT_STD,
        first_conv="patch_embed.proj",
        classifier="head",
        license="apache-2.0",
    )


default_cfgs = generate_default_cfgs(
    {f"{kind}_deit_{size}_patch16_224.fb_in1k": _cfg(size) for kind in ("evit", "tosa") for size in SIZES}
)


def _register(model: type[DeiT], size: str) -> None:
    """Register `model` of a size (a key of `SIZES`) with timm; keyword arguments are the model's."""
    variant = f"{model.__name__.lower()}_deit_{size}_patch16_224"

    def create(pretrained: bool = False, **kwargs) -> DeiT:
        try:
            return build_model_with_cfg(
                model,
                variant,
                pretrained,
                pretrained_filter_fn=checkpoint_filter_fn,
                pretrained_strict=model is not ToSA,  # DeiT's weights hold no selectors
                feature_cfg=dict(out_indices=3, feature_cls="getter"),
                **{**SIZES[size], **kwargs},
            )
        except (OSError, RuntimeError) as error:  # what hubs, caches and files that do not fit raise
            if not pretrained:
                raise
            raise InputError(
                f"{variant}: cannot load its pretrained weights ({type(error).__name__}); without a network, give a "
                "local file: pretrained_cfg_overlay=dict(file='/path/to/weights.safetensors')"
            ) from error

    create.__name__ = variant
    register_model(create)


for _model in (EViT, ToSA):
    for _size in SIZES:
        _register(_model, _size)
