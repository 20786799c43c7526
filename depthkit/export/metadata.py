"""What an exported file says about itself: pairs of text, which every format can hold."""

import torch

import depthkit
from depthkit.export.deployable import Exportable, Form, divisor_of, output_names, smallest_side
from depthkit.models import Classifier

_UNITS = {
    "depth": "m",
    "disparity": "1 / depth up to an unknown scale and shift of each image; larger is nearer",
    "relative_depth": "depth up to an unknown scale of each image; larger is farther",
}


def describe_output(model: Exportable) -> dict[str, str]:
    """Return what the numbers of `Deployable` mean.

    Returns:
        ``output``: ``depth``, ``disparity``, ``relative_depth`` or ``classes``; ``unit``; for depth ``metres``: how to
        compute them, and ``canonical_focal`` [px], for a model that has one; ``num_classes`` of a classifier.
    """
    classes = {"num_classes": str(model.cls_head.num_classes)} if "logits" in output_names(model) else {}
    if isinstance(model, Classifier):
        return {"output": "classes", "unit": "logits; softmax makes them probabilities", **classes}
    described = {"output": model.output, "unit": _UNITS[model.output], **classes}
    if model.output != "depth":
        return described
    if model.canonical_focal is None:
        return described | {"metres": "depth"}
    rule = "depth * fx / canonical_focal, where fx is the focal length in pixels at the size of `images`"
    return described | {"metres": rule, "canonical_focal": repr(float(model.canonical_focal))}


def describe_input(model: Exportable, form: Form, recommended: tuple[int, int] | None) -> dict[str, str]:
    """Return what the graph takes.

    Args:
        model: the original.
        form: of the graph.
        recommended: height and width [px] that the model was trained for; None if not known.

    Returns:
        ``input``, ``input_range``, ``mean_std``, ``size_divisor`` [px], ``smallest_side`` [px]; ``size`` of a graph for
        one size; ``recommended_size``; ``depthkit_version`` and ``torch_version``.
    """
    divisor = divisor_of(model)
    described = {
        "input": "images: RGB, float32, (batch, 3, height, width)",
        "input_range": "0..255",
        "mean_std": "inside",  # the graph subtracts the mean and divides by the std
        "size_divisor": str(divisor),
        "smallest_side": str(smallest_side(divisor)),
        "precision": form.precision,
        "depthkit_version": depthkit.__version__,
        "torch_version": torch.__version__,
    }
    if form.size is not None:
        described["size"] = "{}x{}".format(*form.size)
    if recommended is not None:
        described["recommended_size"] = "{}x{}".format(*recommended)
    return described
