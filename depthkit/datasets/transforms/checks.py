"""Checks that transforms share."""

from collections.abc import Callable
from typing import Annotated

from pydantic import ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

from depthkit.errors import InputError
from depthkit.utils.validation import Count


def expected(text: str) -> WrapValidator:
    """Annotate an argument under `validate_arguments`: its error says `text`, whatever is wrong."""

    def validate(value: object, check: Callable[[object], object]) -> object:
        try:
            return check(value)
        except ValidationError:
            raise PydanticCustomError("expected", text) from None

    return WrapValidator(validate)


Size = Annotated[tuple[Count, Count], expected("(height, width) in pixels, such as (224, 304)")]


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
