"""Rooms: a data set of generated images with exact depth."""

import numpy as np

from depthkit.datasets.base_dataset import Pipeline
from depthkit.datasets.depth_dataset import DepthDataset
from depthkit.datasets.rooms.rendering import render
from depthkit.datasets.rooms.scene import random_scene
from depthkit.datasets.sample import Frame
from depthkit.datasets.transforms.checks import Size
from depthkit.registry import DATASETS
from depthkit.utils.camera import NYU_INTRINSICS, NYU_SHAPE, crop_intrinsics, scale_intrinsics
from depthkit.utils.validation import Count, Index, validate_arguments


@DATASETS.register_module()
class Rooms(DepthDataset):
    """Generated indoor rooms, seen by the NYU camera; depth is exact and without holes.

    Args:
        length: number of rooms.
        size: (H, W) [px] of the images.
        seed: room k of a seed is always the same on one machine; give training and test different seeds.
        pipeline: transforms, the last of them `PackDepthInputs`.

    Raises:
        InputError: an argument out of range.
    """

    @validate_arguments
    def __init__(self, length: Count, size: Size = (240, 320), seed: Index = 0, pipeline: Pipeline = None) -> None:
        super().__init__(RoomGenerator(length, size, seed), pipeline, test_mode=False, indices=None)


class RoomGenerator:
    """The source of `Rooms`: nothing is on disk, each frame is made when it is read."""

    def __init__(self, length: int, size: tuple[int, int], seed: int) -> None:
        self.length, self.size, self.seed = length, size, seed
        self.description = f"form generated, seed {seed}, {size[1]}x{size[0]}"

    def entries(self) -> list[dict]:
        """List {"index": k} for each room."""
        return [{"index": index} for index in range(self.length)]

    def read(self, entry: dict) -> Frame:
        """Make the room of an entry."""
        index = entry["index"]
        rng = np.random.default_rng([self.seed, index])
        intrinsics = room_intrinsics(self.size)
        image, depth = render(random_scene(rng), intrinsics, self.size, rng)
        return Frame(image, depth, intrinsics, f"room_{self.seed}_{index:05d}.png")


def room_intrinsics(size: tuple[int, int]) -> np.ndarray:
    """Return the NYU camera's intrinsics (3, 3) [px] for images of `size` (H, W).

    NYU's image is scaled to cover `size` and cropped around its centre, so pixels stay square in any aspect.
    """
    factor = max(size[0] / NYU_SHAPE[0], size[1] / NYU_SHAPE[1])
    scaled = scale_intrinsics(NYU_INTRINSICS, factor, factor)
    return crop_intrinsics(scaled, (NYU_SHAPE[0] * factor - size[0]) / 2, (NYU_SHAPE[1] * factor - size[1]) / 2)
