"""Published models that a benchmark compares: dense, token selective, and as transformers builds them."""

from collections.abc import Sequence
from typing import get_args

from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.models.selective import Form, make_selective
from depthkit.zoo.loading import create_model
from depthkit.zoo.packaged import PACKAGED_MODEL
from depthkit.zoo.table import MODELS, find_model
from depthkit.zoo.zoo_model import Architecture

TRANSFORMERS = "transformers"
_PACKAGED_MULTIPLE = 16  # of which the sides of the packaged model's inputs are [px]


def is_published(variant: str) -> bool:
    """Tell whether a variant of a benchmark is a published model: ``NAME...`` or ``transformers:NAME``.

    So is `PACKAGED_MODEL`.
    """
    first, _, second = variant.partition(":")
    return first in (PACKAGED_MODEL, *MODELS) or (first == TRANSFORMERS and second in MODELS)


def build_published(variant: str, weights: str | None) -> nn.Module:
    """Build a published model for timing.

    Args:
        variant: ``NAME``; ``NAME:KEEP`` or ``NAME:FORM:KEEP``, token selective, where KEEP is one number or one
            for each token selective layer; ``transformers:NAME``, the same network as the package transformers has
            it, with random weights.
        weights: file with weights of the others; None: random weights, or `PACKAGED_MODEL`'s own.

    Returns:
        A module that maps images (B, 3, H, W) to (B, 1, H, W).

    Raises:
        InputError: the form is another, a keep rate is out of range, the weights do not fit, or transformers is not
            installed or does not have the model.
    """
    name, *rest = variant.split(":")
    if name == TRANSFORMERS:
        return InTransformers(rest[0])
    if len(rest) > 2 or (len(rest) == 2 and rest[0] not in get_args(Form)):
        raise InputError(f"--variants {variant}: expected {name}, {name}:0.5, {name}:per_head:0.5 or {name}:even:0.5")
    rates = parse_rates(rest[-1], variant) if rest else None
    model = create_model(name, name == PACKAGED_MODEL if weights is None else weights)
    if rates is None:
        return model
    return make_selective(model, rates[0] if len(rates) == 1 else rates, rest[0] if len(rest) == 2 else None)


def parse_rates(text: str, variant: str) -> list[float]:
    """Parse the keep rates, with commas between, of a variant.

    Raises:
        InputError: they are not numbers.
    """
    try:
        return [float(rate) for rate in text.split(",")]
    except ValueError:
        raise InputError(f"--variants {variant}: '{text}' is not a number; expected one such as 0.5") from None


def check_published(variants: Sequence[str], inputs: Sequence[tuple[int, int, int]], task: str, train: bool) -> None:
    """Check that published models can be timed so.

    Args:
        variants: of which one or more `is_published`.
        inputs: (height, width [px], batch).
        task: of the benchmark.
        train: whether it times training steps.

    Raises:
        InputError: other variants are among them, or the task or a size is not possible for them.
    """
    others = [variant for variant in variants if not is_published(variant)]
    if others:
        raise InputError(f"--variants {others[0]}: is not a published model; time published models alone")
    if task != "depth" or train:
        raise InputError("--variants: published models predict depth; use --task depth, and leave out --train")
    for variant in variants:
        name = next(part for part in variant.split(":") if part in (PACKAGED_MODEL, *MODELS))
        architecture = None if name == PACKAGED_MODEL else find_model(name).architecture
        multiple = architecture.multiple if architecture else _PACKAGED_MULTIPLE
        for height, width, _ in inputs:
            if variant.startswith(TRANSFORMERS) and architecture.family == "dpt" and height != width:
                raise InputError(f"--inputs {height}x{width}: {variant} takes square images only; try 384x384")
            if height % multiple or width % multiple:
                nearest = "x".join(str(max(1, round(side / multiple)) * multiple) for side in (height, width))
                raise InputError(
                    f"--inputs {height}x{width}: {name} takes sides that are multiples of {multiple}; try {nearest}"
                )


class InTransformers(nn.Module):
    """A published model as the package transformers builds it, with random weights.

    Args:
        name: of the model.

    Raises:
        InputError: the package is not installed, or does not have the model.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        published = find_model(name)
        if published.transformers_repo is None:
            raise InputError(f"--variants transformers:{name}: transformers does not have this model; leave it out")
        try:
            import transformers  # noqa: F401
        except ImportError:
            raise InputError(f"--variants transformers:{name}: install the package transformers to time it") from None
        make = _dpt if published.architecture.family == "dpt" else _depth_anything
        self.model = make(published.architecture)

    def forward(self, images: Tensor) -> Tensor:
        """Turn images (B, 3, H, W) into what the model predicts, (B, 1, H, W)."""
        return self.model(images).predicted_depth.unsqueeze(1)


def _depth_anything(of: Architecture) -> nn.Module:
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    backbone = Dinov2Config(
        hidden_size=of.embed_dim,
        num_hidden_layers=of.depth,
        num_attention_heads=of.num_heads,
        image_size=518,
        patch_size=of.patch_size,
        out_indices=[tap + 1 for tap in of.taps],
        apply_layernorm=True,
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        patch_size=of.patch_size,
        reassemble_hidden_size=of.embed_dim,
        neck_hidden_sizes=list(of.level_channels),
        fusion_hidden_size=of.channels,
    )
    return DepthAnythingForDepthEstimation(config)


def _dpt(of: Architecture) -> nn.Module:
    from transformers import DPTConfig, DPTForDepthEstimation

    config = DPTConfig(
        hidden_size=of.embed_dim,
        num_hidden_layers=of.depth,
        num_attention_heads=of.num_heads,
        intermediate_size=4 * of.embed_dim,
        image_size=384,
        patch_size=of.patch_size,
        backbone_out_indices=list(of.taps),
        neck_hidden_sizes=list(of.level_channels),
        fusion_hidden_size=of.channels,
    )
    return DPTForDepthEstimation(config)
