"""Rooms: a data set of generated images with exact depth."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from depthkit.datasets.base_dataset import Pipeline
from depthkit.datasets.depth_dataset import DepthDataset
from depthkit.datasets.rooms.cameras import random_intrinsics, with_camera
from depthkit.datasets.rooms.rendering import Rendering, render
from depthkit.datasets.rooms.scene import random_scene
from depthkit.datasets.rooms.shards import Shards
from depthkit.datasets.rooms.wide import wide_scene
from depthkit.datasets.sample import Frame
from depthkit.datasets.transforms.checks import Size
from depthkit.errors import InputError
from depthkit.registry import DATASETS
from depthkit.utils.camera import NYU_INTRINSICS, NYU_SHAPE, crop_intrinsics, scale_intrinsics
from depthkit.utils.image_files import find_images
from depthkit.utils.io import read_rgb
from depthkit.utils.validation import Count, Index, validate_arguments

Variety = Literal["demo", "wide"]
VERSION = 2  # of the rooms of one seed; kept rooms of another version are not used
TEXTURE_SIZE = 256  # [px]


@DATASETS.register_module()
class Rooms(DepthDataset):
    """Generated indoor rooms; depth and focal length are exact, and no pixel is without depth.

    Args:
        length: number of rooms.
        size: (H, W) [px] of the images.
        seed: room k of a seed is always the same on one machine; give training and test different seeds.
        variety: ``demo``: furnished rooms, seen by the NYU camera from standing height; ``wide``: any camera at any
            height and angle, near and far, crowded and empty, with many materials and kinds of light.
        textures: images that ``wide`` puts on posters, screens and other surfaces: files, folders or globs such as
            ``data/mine/*/*.jpg``. Each folder that has some of them is as frequent as the others. ``demo`` has none.
        cache: folder in which rooms are kept once they are made; see `Shards`. None: every room is made each time.
        pipeline: transforms, the last of them `PackDepthInputs`.

    Raises:
        InputError: an argument out of range; `textures` that names no image, or with ``demo``; a cache of other rooms,
            or one that cannot be used.
    """

    @validate_arguments
    def __init__(
        self,
        length: Count,
        size: Size = (240, 320),
        seed: Index = 0,
        variety: Variety = "demo",
        textures: Sequence[str] = (),
        cache: str | Path | None = None,
        pipeline: Pipeline = None,
    ) -> None:
        source = RoomGenerator(length, size, seed, variety, read_textures(textures))
        if cache is not None:
            source = Shards(source, cache)
        super().__init__(source, pipeline, test_mode=False, indices=None)


class RoomGenerator:
    """The source of `Rooms`: nothing is on disk, each frame is made when it is read."""

    def __init__(
        self,
        length: int,
        size: tuple[int, int],
        seed: int,
        variety: Variety = "demo",
        images: list[list[np.ndarray]] = (),
    ) -> None:
        if variety == "demo" and images:
            raise InputError(
                "textures: the variety demo has no surfaces for them; leave them out, or take variety wide"
            )
        self.length, self.size, self.seed, self.variety, self.images = length, tuple(size), seed, variety, images
        self.settings = {
            "variety": variety,
            "size": list(size),
            "seed": seed,
            "textures": [_fingerprint(folder) for folder in images],
            "version": VERSION,
        }
        self.description = f"form generated, variety {variety}, seed {seed}, {size[1]}x{size[0]}"

    def entries(self) -> list[dict]:
        """List {"index": k} for each room."""
        return [{"index": index} for index in range(self.length)]

    def name(self, entry: dict) -> str:
        """Name the room of an entry; no such file exists."""
        return f"room_{self.seed}_{entry['index']:05d}.png"

    def read(self, entry: dict) -> Frame:
        """Make the room of an entry, as a frame."""
        rendering, intrinsics = self.render(entry)
        return Frame(rendering.image, rendering.depth, intrinsics, self.name(entry))

    def render(self, entry: dict) -> tuple[Rendering, np.ndarray]:
        """Make the room of an entry, with its normals; return also the camera's intrinsics (3, 3) [px]."""
        rng = np.random.default_rng([self.seed, entry["index"]])
        if self.variety == "demo":
            intrinsics, scene = room_intrinsics(self.size), random_scene(rng)
        else:
            intrinsics = random_intrinsics(rng, self.size)
            images = [folder[rng.integers(len(folder))] for folder in self.images]
            scene = with_camera(rng, wide_scene(rng, images), intrinsics, self.size)
        return render(scene, intrinsics, self.size, rng), intrinsics


def read_textures(patterns: Sequence[str]) -> list[list[np.ndarray]]:
    """Read images as RGB (H, W, 3) from 0 to 1, at most 256 px wide; one list for each folder.

    Raises:
        InputError: a pattern that names no image, or a damaged image.
    """
    files, problems = find_images(patterns)
    if problems:
        raise InputError(f"textures: {next(iter(problems.values()))}")
    folders: dict[Path, list[np.ndarray]] = {}
    for file in files:
        image = read_rgb(file, min_size=TEXTURE_SIZE)
        scale = min(1.0, TEXTURE_SIZE / max(image.shape[:2]))
        size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        folders.setdefault(file.parent, []).append(small.astype(np.float32) / 255)
    return list(folders.values())


def _fingerprint(images: Sequence[np.ndarray]) -> str:
    """Return a text that differs for other pixels, sizes, numbers or orders of images."""
    digest = hashlib.sha256()
    for image in images:
        digest.update(repr(image.shape).encode())
        digest.update(image.tobytes())
    return digest.hexdigest()[:16]


def room_intrinsics(size: tuple[int, int]) -> np.ndarray:
    """Return the NYU camera's intrinsics (3, 3) [px] for images of `size` (H, W).

    NYU's image is scaled to cover `size` and cropped around its centre, so pixels stay square in any aspect.
    """
    factor = max(size[0] / NYU_SHAPE[0], size[1] / NYU_SHAPE[1])
    scaled = scale_intrinsics(NYU_INTRINSICS, factor, factor)
    return crop_intrinsics(scaled, (NYU_SHAPE[0] * factor - size[0]) / 2, (NYU_SHAPE[1] * factor - size[1]) / 2)
