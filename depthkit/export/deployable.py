"""A depth model as a plain function of tensors, what its numbers mean, and its dynamic graph."""

import copy

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from depthkit.errors import InputError
from depthkit.models import DepthEstimator

MIN_SIDE = 128  # [px]; the graph has no branches for images that are only a few patches wide


class Deployable(nn.Module):
    """A `DepthEstimator` as a plain module: images from 0 to 255 in, the model's output out.

    The normalisation of its data preprocessor is included; resizing, padding and averaging with the mirrored image are
    not, nor is the focal length. `describe_output` says what the numbers mean.

    Args:
        model: is copied, and not changed.
    """

    def __init__(self, model: DepthEstimator) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).cpu().eval()
        preprocessor = self.model.data_preprocessor
        self.register_buffer("mean", getattr(preprocessor, "mean", torch.zeros(3)).view(3, 1, 1).clone())
        self.register_buffer("std", getattr(preprocessor, "std", torch.ones(3)).view(3, 1, 1).clone())
        embed = getattr(self.model.backbone, "patch_embed", None)
        if hasattr(embed, "dynamic_img_pad") and all(model.size_divisor % side == 0 for side in embed.patch_size):
            # Sides are multiples of the patch. Without timm's rounding up, a size in patches is a symbol instead of a
            # formula that every later shape repeats: exporting takes seconds instead of minutes.
            embed.dynamic_img_pad = False

    def forward(self, images: Tensor) -> Tensor:
        """Predict (B, 1, H, W) from RGB images (B, 3, H, W), float32 from 0 to 255."""
        return self.model((images - self.mean) / self.std)


def describe_output(model: DepthEstimator) -> dict[str, str]:
    """Return what the numbers of `Deployable` mean, as text that a file's metadata can hold.

    Returns:
        ``output``: ``depth`` [m], ``disparity`` or ``relative_depth``; ``metres``: how to compute them, for depth; and
        ``canonical_focal`` [px], for a model that has one.
    """
    if model.output != "depth":
        return {"output": model.output}
    if model.canonical_focal is None:
        return {"output": "depth", "metres": "depth"}
    rule = "depth * fx / canonical_focal, where fx is the focal length in pixels at the size of `images`"
    return {"output": "depth", "metres": rule, "canonical_focal": repr(float(model.canonical_focal))}


def smallest_side(divisor: int) -> int:
    """Return the smallest side [px] of the graph's images: a multiple of `divisor`, at least `MIN_SIDE`."""
    return -(-MIN_SIDE // divisor) * divisor


def trace(model: DepthEstimator) -> ExportedProgram:
    """Trace the graph of `Deployable` with dynamic sizes.

    Args:
        model: in evaluation mode, on the CPU.

    Returns:
        A graph for any batch, and for sides that are multiples of the model's `size_divisor` and at least
        `smallest_side`.

    Raises:
        InputError: torch.export cannot follow the model.
    """
    divisor = model.size_divisor
    least = smallest_side(divisor)
    # Sizes that differ from each other and from the model's own, so that no size is traced as a constant.
    example = torch.zeros(2, 3, least + 2 * divisor, least + 4 * divisor)
    height, width = (divisor * Dim(name, min=least // divisor) for name in ("rows", "columns"))
    try:
        with torch.no_grad():
            return torch.export.export(
                Deployable(model),
                (example,),
                dynamic_shapes={"images": {0: Dim("batch", min=1), 2: height, 3: width}},
                strict=False,
                # As guards, facts about the shapes of `per_head` would exclude a batch of one.
                prefer_deferred_runtime_asserts_over_guards=True,
            )
    except InputError:
        raise
    except Exception as error:  # the backbone may be any module, and torch raises a dozen types
        reason = " ".join(str(error).split())[:300]
        raise InputError(
            f"{type(model.backbone).__name__}: torch.export cannot follow this model ({type(error).__name__}: {reason})"
        ) from error
