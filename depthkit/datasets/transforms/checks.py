"""Checks that transforms share."""

from typing import Annotated

from pydantic import ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

from depthkit.errors import InputError
from depthkit.utils.validation import Count


def _height_and_width(size: object, check: object) -> tuple[int, int]:
    try:
        return check(size)
    except ValidationError:
        raise PydanticCustomError("size", "(height, width) in pixels, such as (224, 304)") from None


# An argument under `validate_arguments`; one sentence for all that can be wrong with it.
Size = Annotated[tuple[Count, Count], WrapValidator(_height_and_width)]


def check_pair(results: dict, owner: str) -> tuple[int, int]:
    """Return the sample's size (H, W); raise `InputError` if it has a depth map of another size."""
    shape = results["img"].shape[:2]
    depth = results.get("gt_depth_map")
    if depth is not None and depth.shape != shape:
        raise InputError(
            f"{results['img_path']}: {owner} needs image {shape} and depth map {depth.shape} in one size; put "
            "ResizeRGBD(resize_depth=True) before it"
        )
    return shape
