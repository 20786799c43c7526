"""Many images for one predictor: read a few at a time, and put together what is of one size."""

import sys
from collections.abc import Iterator, Sequence

import torch

from depthkit.apis.focal import FocalRequest, check_focal
from depthkit.apis.image_source import ImageSource, SourceImage, read_source
from depthkit.errors import InputError

Requested = list[tuple[SourceImage, FocalRequest]]


def read_batches(
    sources: Sequence[ImageSource], focal: FocalRequest | Sequence[FocalRequest], batch_size: int
) -> Iterator[Requested]:
    """Read `batch_size` images at a time, each with the focal length that is asked for.

    Args:
        sources: see `read_source`.
        focal: one for all, or a list of as many; see `DepthPredictor`.
        batch_size: how many.

    Raises:
        InputError: before any image is read: there is another number of focal lengths, one of them is impossible, or
            the size is not a positive number; later: an image cannot be read.
    """
    focals = list(focal) if isinstance(focal, (list, tuple)) else [focal] * len(sources)
    if len(focals) != len(sources):
        raise InputError(f"focal: has {len(focals)} focal lengths for {len(sources)} images; expected one for each")
    check_batch_size(batch_size)
    focals = [check_focal(one) for one in focals]
    for start in range(0, len(sources), batch_size):
        places = range(start, min(start + batch_size, len(sources)))
        yield [(read_named(sources[place], f"image {place}"), focals[place]) for place in places]


def read_named(source: ImageSource, name: str = "image") -> SourceImage:
    """Read an image, and say on stderr if it was reduced here because it is too large (`read_source`)."""
    image = read_source(source, name)
    if image.reduction > 1 and image is not source:
        print(
            f"warning: {image.name}: too large, so read at 1/{image.reduction} of its size; the result and its focal "
            "length are those of that size",
            file=sys.stderr,
        )
    return image


def check_batch_size(batch_size: object) -> None:
    """Raise `InputError` unless `batch_size` is a number of images."""
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise InputError(f"batch_size={batch_size!r}: expected a number of images, 1 or more")


def join_batches(batches: Sequence[dict]) -> dict:
    """Put together the network's inputs of several images, which have one size.

    Args:
        batches: of one image each, as `DepthPredictor.prepare` makes them; one alone is returned as it is.
    """
    if len(batches) == 1:
        return batches[0]
    inputs = torch.cat([batch["inputs"] for batch in batches])
    return {"inputs": inputs, "data_samples": [batch["data_samples"][0] for batch in batches]}


def group_equal(batches: Sequence[dict]) -> Iterator[tuple[list[int], dict]]:
    """Put together the network's inputs that have one size.

    Args:
        batches: of one image each, as `DepthPredictor.prepare` makes them.

    Yields:
        Places in `batches`, and the batch of these images.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, batch in enumerate(batches):
        groups.setdefault(tuple(batch["inputs"].shape), []).append(place)
    for places in groups.values():
        yield places, join_batches([batches[place] for place in places])
