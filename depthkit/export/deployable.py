"""A model as a plain function of tensors, and its graph."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from depthkit.errors import InputError
from depthkit.models import Classifier, DepthClassifier, DepthEstimator
from depthkit.utils.stop_signals import stop_behind

Exportable = DepthEstimator | Classifier
# Of patches. With fewer, a map of the decoder, at a quarter of their number, has a side of 1, which is a special case.
_FEWEST_ROWS = 5
_LEAST = 80  # [px], of models whose divisor is less than their patch


@dataclass(frozen=True)
class Form:
    """What can be chosen about a graph.

    Attributes:
        size: height and width [px] of a graph for exactly one image of this size, which needs no runtime that knows
            sizes only when it runs (TensorRT, phones); None: any batch and size.
        precision: that it computes in, ``float32`` or ``float16``; ``int8`` is made of a float32 one (`quantise`). What
            goes in and out is float32.
        normalised: take images that the data preprocessor has normalised already, for use within depthkit; else RGB
            from 0 to 255.
    """

    size: tuple[int, int] | None = None
    precision: str = "float32"
    normalised: bool = False


DYNAMIC = Form()


class Deployable(nn.Module):
    """A model as a plain module: images in, the model's outputs (`output_names`) out.

    Unless `form` says otherwise, the normalisation of its data preprocessor is included; resizing, padding and
    averaging with the mirrored image are not, nor is the focal length. `metadata.describe_output` says what the numbers
    mean.

    Args:
        model: is copied, and not changed.
        form: of the graph.
    """

    def __init__(self, model: Exportable, form: Form = DYNAMIC) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).cpu().eval()
        self.form = form
        preprocessor = self.model.data_preprocessor
        self.register_buffer("mean", getattr(preprocessor, "mean", torch.zeros(3)).view(3, 1, 1).clone())
        self.register_buffer("std", getattr(preprocessor, "std", torch.ones(3)).view(3, 1, 1).clone())
        embed = getattr(self.model.backbone, "patch_embed", None)
        if hasattr(embed, "dynamic_img_pad") and all(divisor_of(model) % side == 0 for side in embed.patch_size):
            # Sides are multiples of the patch. Without timm's rounding up, a size in patches is a symbol instead of a
            # formula that every later shape repeats: exporting takes seconds instead of minutes.
            embed.dynamic_img_pad = False
        if getattr(self.model.backbone, "position_resampling", None) == "timm":
            self.model.backbone.position_resampling = "timm_products"
        self.half_precision = form.precision == "float16"
        if self.half_precision:
            self.model.half()

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Predict depth (B, 1, H, W), logits (B, classes), or both, from images (B, 3, H, W), float32."""
        if not self.form.normalised:
            images = (images - self.mean) / self.std
        found = self.model(images.half() if self.half_precision else images)
        return tuple(one.float() for one in found) if isinstance(found, tuple) else found.float()


def output_names(model: Exportable) -> tuple[str, ...]:
    """Return what the outputs of the graph are called, in their order."""
    if isinstance(model, Classifier):
        return ("logits",)
    return ("depth", "logits") if isinstance(model, DepthClassifier) else ("depth",)


def divisor_of(model: Exportable) -> int:
    """Return of what number [px] the sides of the graph's images are multiples."""
    return max(model.backbone.patch_embed.patch_size) if isinstance(model, Classifier) else model.size_divisor


def smallest_side(divisor: int) -> int:
    """Return the smallest side [px] of the graph's images, whose sides are multiples of `divisor`."""
    return divisor * max(_FEWEST_ROWS, -(-_LEAST // divisor))


def check_size(model: Exportable, size: tuple[int, int]) -> None:
    """Check that a graph can be made for images of `size`, height and width [px].

    Raises:
        InputError: a side is not a multiple of the divisor, or too small.
    """
    divisor = divisor_of(model)
    least = smallest_side(divisor)
    if any(side % divisor or side < least for side in size):
        nearest = "x".join(str(max(least, round(side / divisor) * divisor)) for side in size)
        raise InputError(
            f"size {size[0]}x{size[1]}: the sides must be multiples of {divisor} px and at least {least} px; try "
            f"{nearest}"
        )


def trace(model: Exportable, form: Form = DYNAMIC) -> ExportedProgram:
    """Trace the graph of `Deployable`.

    Args:
        model: in evaluation mode.
        form: of the graph.

    Returns:
        A graph for the one size of `form`; or for any batch, and for sides that are multiples of `divisor_of` the model
        and at least `smallest_side`.

    Raises:
        InputError: torch.export cannot follow the model, or the size is not possible.
    """
    if form.size is not None:
        check_size(model, form.size)
        example, shapes = torch.zeros(1, 3, *form.size), None
    else:
        divisor = divisor_of(model)
        least = smallest_side(divisor)
        # Sizes that differ from each other and from the model's own, so that no size is traced as a constant.
        example = torch.zeros(2, 3, least + 5 * divisor, least + 7 * divisor)
        height, width = (divisor * Dim(name, min=least // divisor) for name in ("rows", "columns"))
        shapes = {"images": {0: Dim("batch", min=1), 2: height, 3: width}}
    try:
        with torch.no_grad():
            return torch.export.export(
                Deployable(model, form),
                (example,),
                dynamic_shapes=shapes,
                strict=False,
                # As guards, facts about the shapes of `per_head` would exclude a batch of one.
                prefer_deferred_runtime_asserts_over_guards=True,
            )
    except InputError:
        raise
    except Exception as error:  # the backbone may be any module, and torch raises a dozen types
        if stop := stop_behind(error):
            raise stop from None
        reason = " ".join(str(error).split())[:300]
        raise InputError(
            f"{type(model.backbone).__name__}: torch.export cannot follow this model ({type(error).__name__}: {reason})"
        ) from error
