"""Which focal length an image is taken to have, and what a model's metres do with it."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from PIL import ExifTags, Image

from depthkit.apis.depth_values import FocalSource
from depthkit.errors import InputError
from depthkit.utils.camera import NYU_INTRINSICS, NYU_SHAPE

FocalRequest = float | Literal["exif"] | None
# [longest sides of the image]: from a fisheye to a telescope. What lies outside is another unit, or a mistake.
PLAUSIBLE = (0.1, 100.0)
_FILM_DIAGONAL = math.hypot(36.0, 24.0)  # [mm], of 35 mm film, to which EXIF's focal length is converted
_MILLIMETRES = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}  # of EXIF's units of length; a file that has none means inches
_ASPECT_TOLERANCE = 0.02


@dataclass(frozen=True)
class FocalRule:
    """Which camera a model with `canonical_focal` is told, where ``metres = out * fx / canonical_focal``.

    Attributes:
        automatic: whether the focal length of EXIF counts without being asked for; if not, the output of an image
            without a requested focal length is in metres as it is.
        assumed: the camera of an image whose focal length is unknown: the ``canonical`` one (the output is in metres as
            it is), or one with the field of view of ``nyu``, NYU Depth V2's camera.
        training_side: shorter side [px] of the images as the network saw them in training, taken by the canonical
            camera. With it focal lengths count at that size, whatever the size of the network's input is: the field of
            view alone matters.
        both_axes: focal lengths count at the mean of both scales of the resizing, as Depth-Anything-3 does, and not
            at the scale of the width.

    Raises:
        InputError: another value, such as one of a damaged config.
    """

    automatic: bool = True
    assumed: Literal["canonical", "nyu"] = "canonical"
    training_side: int | None = None
    both_axes: bool = False

    def __post_init__(self) -> None:
        flags = (self.automatic, self.both_axes)
        if not all(flag in (True, False) for flag in flags) or self.assumed not in ("canonical", "nyu"):
            raise InputError(
                f"{self}: expected automatic and both_axes=True or False, and assumed='canonical' or 'nyu'"
            )
        if self.training_side is not None and not (isinstance(self.training_side, int) and self.training_side > 0):
            raise InputError(f"{self}: expected training_side in pixels, or None")


class FocalLength(NamedTuple):
    """The focal length of an image.

    Attributes:
        pixels: [px] at the image's own size; None where it is not known.
        source: where it is from; None where it is not known.
        at_input: [px] at the size of the network's input, or the rule's, of the camera that the metres are for; None
            where they do not follow the camera.
        metres_follow: whether the metres are those of `pixels`; if not, it only gives points their shape.
    """

    pixels: float | None
    source: FocalSource | None
    at_input: float | None
    metres_follow: bool


def choose_focal_length(
    requested: FocalRequest,
    exif: float | None,
    canonical_focal: float | None,
    shape: tuple[int, int],
    scales: tuple[float, float],
    rule: FocalRule,
    name: str = "",
) -> FocalLength:
    """Choose the focal length of an image: the given one, else that of EXIF, else the rule's assumption.

    Args:
        requested: [px] at the image's own size, ``exif`` (an error where EXIF has none), or None.
        exif: [px], from `exif_focal_length`.
        canonical_focal: [px], the model's; None: its metres do not follow the camera, and nothing is assumed.
        shape: (H, W) [px] of the image.
        scales: width and height of the network's input as fractions of those of the image.
        rule: the model's.
        name: of the image, for messages.

    Raises:
        InputError: the given focal length is not a number of pixels that this image can have, or EXIF has none.
    """
    requested = check_focal(requested)
    if requested == "exif" and exif is None:
        raise InputError(f"{name or 'image'}: has no focal length in its EXIF; give it in pixels, or leave it out")
    if isinstance(requested, float):
        _check_plausible(requested, shape, name)
        pixels, source = requested, "given"
    else:
        pixels, source = (exif, "exif") if exif is not None else (None, None)
    if canonical_focal is None:
        return FocalLength(pixels, source, None, metres_follow=False)
    metres_follow = rule.automatic or requested is not None
    scale = sum(scales) / 2 if rule.both_axes else scales[0]
    if rule.training_side is not None:
        scale = rule.training_side / min(shape)
    if pixels is None and rule.assumed == "canonical":
        return FocalLength(canonical_focal / scale, "assumed", canonical_focal, metres_follow)
    if pixels is None:
        pixels, source = float(NYU_INTRINSICS[0, 0]) / max(NYU_SHAPE) * max(shape), "assumed"
    return FocalLength(pixels, source, pixels * scale if metres_follow else canonical_focal, metres_follow)


def check_focal(value: object) -> FocalRequest:
    """Return a requested focal length [px] as a float, ``exif`` or None.

    Raises:
        InputError: it is something else.
    """
    if value is None or (isinstance(value, str) and value == "exif"):
        return value
    try:
        focal = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        focal = math.nan
    if not 0 < focal < math.inf:
        raise InputError(f"focal: {value!r} is not a focal length; expected a number of pixels above 0, or exif")
    return focal


def exif_focal_length(image: Image.Image) -> float | None:
    """Return the focal length [px] of an image from its EXIF; None where that is missing or impossible.

    From the 35 mm equivalent, which relates the diagonals of image and film (as in Depth Pro); where a camera writes
    none, from the focal length in millimetres and the pixels on a millimetre of the sensor. An image whose aspect is
    not the one that EXIF states was cropped: nothing is known about it.
    """
    exif = image.getexif().get_ifd(ExifTags.IFD.Exif)
    sides = [_positive(exif.get(tag)) for tag in (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight)]
    stated = max(sides) if all(sides) else max(image.size)
    if all(sides):
        aspects = [max(size) / min(size) for size in (sides, image.size)]
        if abs(aspects[0] / aspects[1] - 1) > _ASPECT_TOLERANCE:
            return None
    equivalent = _positive(exif.get(ExifTags.Base.FocalLengthIn35mmFilm))
    millimetres = _positive(exif.get(ExifTags.Base.FocalLength))
    density = _positive(exif.get(ExifTags.Base.FocalPlaneXResolution))
    if equivalent:
        focal = equivalent * math.hypot(*image.size) / _FILM_DIAGONAL
    elif millimetres and density:
        unit = _MILLIMETRES.get(exif.get(ExifTags.Base.FocalPlaneResolutionUnit), _MILLIMETRES[2])
        focal = millimetres * density / unit * max(image.size) / stated  # the image may have been made smaller
    else:
        return None
    return focal if PLAUSIBLE[0] <= focal / max(image.size) <= PLAUSIBLE[1] else None


def _check_plausible(focal: float, shape: tuple[int, int], name: str) -> None:
    longest = max(shape)
    if not PLAUSIBLE[0] <= focal / longest <= PLAUSIBLE[1]:
        raise InputError(
            f"{name or 'image'}: a focal length of {focal:g} px is impossible for {shape[1]}x{shape[0]} px; expected "
            f"{PLAUSIBLE[0] * longest:g} to {PLAUSIBLE[1] * longest:g}, in pixels and not in millimetres"
        )


def _positive(value: object) -> float | None:
    """Return a number of EXIF; None if it is missing, damaged, or 0, which means "unknown"."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None
