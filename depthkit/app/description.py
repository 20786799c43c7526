"""A prediction in the words of the web service."""

from collections.abc import Iterator

import numpy as np

from depthkit.apis.result import DepthResult
from depthkit.apis.result_files import Kind
from depthkit.app.answers import Camera, Colors, DepthAnswer, FocalLength, ResultFile
from depthkit.app.loaded_model import TORCH, Prediction
from depthkit.app.result_files import file_endings
from depthkit.visualization.depth_map import colorize
from depthkit.visualization.disparity_map import colorize_disparity


def describe(
    prediction: Prediction, id: str, name: str, model: str, keep_rate: float | None, seconds_kept: float
) -> DepthAnswer:
    """Describe a prediction.

    Args:
        prediction: to describe.
        id: under which its result is kept.
        name: what its files are called.
        model: that was asked for.
        keep_rate: that was asked for.
        seconds_kept: [s].
    """
    result, address = prediction.result, f"/api/results/{id}"
    valid = result.values[result.valid]
    height, width = result.size
    files = file_endings(result)
    return DepthAnswer(
        id=id,
        name=name,
        kind=result.kind,
        unit="m" if result.kind == "metric" else "none",
        height=height,
        width=width,
        smallest=float(valid.min()) if valid.size else None,
        largest=float(valid.max()) if valid.size else None,
        colors=_colors(result),
        focal=_focal(result),
        camera=_camera(result),
        warnings=list(_warnings(prediction, keep_rate, bool(valid.size))),
        model=model,
        keep_rate=keep_rate,
        licence=result.metadata.get("licence"),
        cost=prediction.cost,
        tokens=prediction.tokens,
        image=f"{address}/image.jpg",
        values=f"{address}/values",
        files={kind: ResultFile(name=f"{name}_{end}", url=f"{address}/files/{kind}") for kind, end in files.items()},
        seconds_kept=seconds_kept,
    )


def _colors(result: DepthResult) -> Colors:
    low, high = result.color_range()
    palette, invalid = palette_of(result.kind)
    return Colors(low=low, high=high, palette=palette, invalid=invalid)


def palette_of(kind: Kind) -> tuple[str, str]:
    """Return the colours of maps of a kind, and that of no value, as `Colors` has them."""
    steps = np.linspace(1, 2, 256, dtype=np.float32)[None]  # depth, which 0 is not
    palette = colorize(steps, (1, 2)) if kind == "metric" else colorize_disparity(steps, (1, 2))
    invalid = colorize(np.zeros((1, 1), np.float32), (1, 2))
    return palette.tobytes().hex(), invalid.tobytes().hex()


def _camera(result: DepthResult) -> Camera:
    (fx, _, cx), (_, fy, cy), _ = result.intrinsics.tolist()
    return Camera(fx=fx, fy=fy, cx=cx, cy=cy)


def _focal(result: DepthResult) -> FocalLength | None:
    if result.focal_length is None:
        return None
    return FocalLength(
        pixels=result.focal_length,
        source=result.focal_source,
        metres_follow=result.metres_follow_focal,
        field_of_view=result.field_of_view,
    )


def _warnings(prediction: Prediction, keep_rate: float | None, any_valid: bool) -> Iterator[str]:
    result = prediction.result
    if not any_valid:
        yield "No pixel of this image got a valid value."
    if result.kind == "relative":
        yield "This model gives no metres: larger is nearer, and the shape in 3D is not that of the scene."
    elif result.focal_source == "assumed" and result.metres_follow_focal:
        yield (
            "The image has no focal length in its EXIF; the metres are those of an assumed one. Twice the focal length "
            "is twice the metres."
        )
    if not prediction.selectors_trained:
        yield (
            "This model was not trained to select tokens (--keep-rate): the work that is saved is real, but the depth "
            "is worse than that of a model that was."
        )
    yield from _warn_of_runtime(prediction, keep_rate)
    if "trained_on" in result.metadata:
        yield f"The model was trained on {result.metadata['trained_on']}; other images come out wrong."


def _warn_of_runtime(prediction: Prediction, keep_rate: float | None) -> Iterator[str]:
    """Say what is of torch where another runtime was asked for."""
    if prediction.runtime == TORCH:
        return
    if keep_rate is not None:
        yield f"With a keep rate it runs in torch: {prediction.runtime} is for the model as it is."
    elif prediction.tokens:
        yield (
            f"The tokens are those that torch selects. {prediction.runtime} may select others where two are "
            "nearly equally important."
        )
