"""Rooms: a data set of generated pictures with exact depth."""

from collections.abc import Sequence

import numpy as np

from depthkit.datasets.depth_dataset import DepthDataset
from depthkit.datasets.rooms.rendering import render
from depthkit.datasets.rooms.scene import random_scene
from depthkit.datasets.sample import Frame
from depthkit.datasets.transforms.checks import check_size
from depthkit.errors import InputError
from depthkit.registry import DATASETS
from depthkit.utils.camera import NYU_INTRINSICS, NYU_SHAPE, crop_intrinsics, scale_intrinsics


@DATASETS.register_module()
class Rooms(DepthDataset):
    """`length` generated indoor rooms of `size` (H, W) [px], seen by the NYU camera.

    Room k of a `seed` is always the same, bit for bit on one machine; give training and test different seeds.
    Depth is exact and without holes. Raises `InputError` for a length or size that makes no sense.
    """

    def __init__(self, length: int, size: tuple[int, int] = (240, 320), seed: int = 0, pipeline: Sequence = ()) -> None:
        if length < 1:
            raise InputError(f"Rooms(length={length}): expected at least one room")
        if seed < 0:
            raise InputError(f"Rooms(seed={seed}): expected 0 or more")
        source = RoomGenerator(length, check_size(size, "Rooms"), seed)
        super().__init__(source, pipeline, test_mode=False, indices=None)


class RoomGenerator:
    """Rooms as a source of frames: nothing is on disk, each is made when it is asked for."""

    def __init__(self, length: int, size: tuple[int, int], seed: int) -> None:
        self.length = length
        self.size = size
        self.seed = seed
        self.description = f"form generated, seed {seed}, {size[1]}x{size[0]}"

    def entries(self) -> list[dict]:
        """Return {"index": k} for each room."""
        return [{"index": index} for index in range(self.length)]

    def read(self, entry: dict) -> Frame:
        """Make the room of an entry."""
        index = entry["index"]
        rng = np.random.default_rng([self.seed, index])
        intrinsics = room_intrinsics(self.size)
        image, depth = render(random_scene(rng), intrinsics, self.size, rng)
        return Frame(image, depth, intrinsics, f"room_{self.seed}_{index:05d}.png")


def room_intrinsics(size: tuple[int, int]) -> np.ndarray:
    """Return the NYU camera's intrinsics for a picture of `size` (H, W): scaled to cover it, the middle cut
    out.

    So pixels stay square, whatever the aspect.
    """
    factor = max(size[0] / NYU_SHAPE[0], size[1] / NYU_SHAPE[1])
    scaled = scale_intrinsics(NYU_INTRINSICS, factor, factor)
    return crop_intrinsics(scaled, (NYU_SHAPE[0] * factor - size[0]) / 2, (NYU_SHAPE[1] * factor - size[1]) / 2)
