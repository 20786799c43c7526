"""The models that a benchmark compares, by name: `timm`, `deit`, `tosa_shared:0.5` and so on."""

import re
from collections.abc import Sequence

import timm
from torch import nn

from depthkit.analysis.published_variants import TRANSFORMERS, build_published, is_published, parse_rates
from depthkit.errors import InputError
from depthkit.models import ToSA  # noqa: F401  registers the backbones
from depthkit.models.backbones.deit import SIZES
from depthkit.models.selective import arguments_of_form
from depthkit.models.weights import load_backbone
from depthkit.registry import MODELS
from depthkit.zoo.table import find_model

KINDS = {
    "deit": dict(type="DeiT"),
    "tosa_shared": dict(type="ToSA", selection="shared"),
    "tosa_per_head": dict(type="ToSA", selection="per_head"),
    "tosa_even": dict(type="ToSA", **arguments_of_form("even")),
    "evit": dict(type="EViT", num_classes=0),
    "tome": dict(type="ToMe", num_classes=0),
}
_DEPTH = 12  # of every DeiT
_EXPECTED = (
    f"timm, deit or {', '.join(f'{kind}:KEEP' for kind in KINDS if kind != 'deit')}, such as tosa_shared:0.5, or with "
    "the layers that select tosa_even:0.5@1-10"
)


def check_names(variants: Sequence[str]) -> None:
    """Check that each variant has a known name before its colon.

    Raises:
        InputError: one has not; the sentence has the nearest published models.
    """
    for variant in variants:
        kind, _, rest = variant.partition(":")
        if kind in ("timm", *KINDS) or is_published(variant):
            continue
        try:
            find_model(rest if kind == TRANSFORMERS else kind)
        except InputError as error:
            raise InputError(f"--variants {variant}: expected {_EXPECTED}, or a published model ({error})") from error


def build_variant(name: str, task: str, size: str, weights: str | None = None, selector_layers: int = 1) -> nn.Module:
    """Build a backbone, or a depth model with the default decoder, for timing.

    Args:
        name: ``timm``, the baseline; or one of `KINDS`; those that select tokens have their keep rate after a colon,
            ``tosa_shared:0.5``, or one rate per pair of layers, ``tosa_shared:1,.7,.5,.3,.25,.25``, and a ToSA's
            token selective layers after an @, ``tosa_even:.5@1-10`` or ``@5,9,10``; or a published model, see
            `build_published`, for which of the other arguments only `weights` counts.
        task: ``backbone`` or ``depth``. As a depth model ``timm`` is our DeiT with the same decoder.
        size: ``tiny``, ``small`` or ``base``.
        weights: file with weights of the dense model or of a ToSA; None: random weights.
        selector_layers: depth of a ToSA's selectors.

    Raises:
        InputError: no such variant, a keep rate that is missing, superfluous or out of range, or weights that do not
            fit.
    """
    if is_published(name):
        return build_published(name, weights)
    kind, _, rest = name.partition(":")
    keep, _, layers = rest.partition("@")
    if name == "timm" and task == "backbone":
        model = timm.create_model(f"deit_{size}_patch16_224", num_classes=0, dynamic_img_size=True)
        if weights is not None:
            load_backbone(model, weights, f"deit_{size}_patch16_224", optional=("selector",))
        return model
    config = KINDS.get("deit" if name == "timm" else kind)
    if config is None or (config["type"] == "DeiT") != (not rest) or ("@" in rest and config["type"] != "ToSA"):
        raise InputError(f"--variants {name}: expected {_EXPECTED}, or a published model (`depthkit models`)")
    backbone = SIZES[size] | config | dict(pretrained=weights)
    if config["type"] == "ToSA" and "importance" not in config:
        backbone["selector_layers"] = selector_layers
    if "@" in rest:
        backbone["selective_layers"] = _parse_layers(layers, name)
    if rest:
        rates = parse_rates(keep, name)
        backbone["keep_rate"] = rates[0] if len(rates) == 1 else rates
    if task == "backbone":
        return MODELS.build(backbone)
    return MODELS.build(
        dict(
            type="DepthEstimator",
            backbone=backbone | dict(out_indices=(2, 4, 8, 10)),
            decode_head=dict(type="DPTHead", in_channels=(backbone["embed_dim"],) * 4),
        )
    )


def _parse_layers(text: str, variant: str) -> tuple[int, ...]:
    """Parse the layers of a variant: with commas between, or the first and the last."""
    found = re.fullmatch(r"(\d{1,3})-(\d{1,3})|\d{1,3}(,\d{1,3})*", text)
    layers: Sequence[int] = ()
    if found and found[1]:
        layers = range(int(found[1]), int(found[2]) + 1)
    elif found:
        layers = [int(layer) for layer in text.split(",")]
    if not layers or not 1 <= min(layers) <= max(layers) < _DEPTH:
        raise InputError(
            f"--variants {variant}: '{text}' are no layers; expected some of 1 to {_DEPTH - 1} such as 5,9,10 or 1-10"
        )
    return tuple(layers)
