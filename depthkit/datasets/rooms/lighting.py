"""Light that falls on the surfaces of a room."""

from functools import lru_cache

import cv2
import numpy as np

from depthkit.datasets.rooms.furniture import Box, to_local
from depthkit.datasets.rooms.scene import Light, Scene
from depthkit.datasets.rooms.shapes import cross

TILE = 16  # [px]; shadows are looked for in tiles of this side


def illuminate(scene: Scene, points: np.ndarray, normals: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the light (3, P) that falls on points: from the lamps past the boxes, and from all around.

    Args:
        scene: the room.
        points: what each pixel of an image shows (3, P) [m].
        normals: of the surfaces there (3, P).
        shape: (H, W) of the image, P = H * W.
    """
    hidden = np.ones(points.shape[1], dtype=np.float32)
    size = scene.size.astype(np.float32)
    for axis in range(3):
        nearest = np.minimum(points[axis], size[axis] - points[axis])
        hidden *= 1 - 0.4 * np.exp(-nearest / np.float32(0.22)) * (1 - np.abs(normals[axis]))
    upward = 0.85 + 0.15 * normals[1]
    light = scene.ambient.astype(np.float32)[:, None] * (hidden * upward)
    small = tuple(-(-side // scene.shadow_step) for side in shape)
    kept = np.arange(points.shape[1]).reshape(shape)[:: scene.shadow_step, :: scene.shadow_step].ravel()
    casters = [box for box in scene.boxes if not box.material.glow and np.prod(2 * box.half) >= scene.smallest_caster]
    tiles = _Tiles(points[:, kept], small)
    for lamp in scene.lights:
        toward = lamp.position.astype(np.float32)[:, None] - points
        squared = (toward * toward).sum(axis=0)
        facing = np.maximum((toward * normals).sum(axis=0), 0) / np.sqrt(squared)
        falloff = facing / (squared + np.float32(0.5))
        seen = _unshadowed(casters, lamp, points[:, kept], toward[:, kept], np.sqrt(squared[kept]), tiles)
        if scene.shadow_step > 1:
            seen = cv2.resize(seen.reshape(small), shape[::-1]).ravel()
        lit = falloff * seen
        light = light + lamp.power.astype(np.float32)[:, None] * (lit * (0.5 + 0.5 * hidden))
    return light


def _unshadowed(
    casters: list[Box], lamp: Light, points: np.ndarray, toward: np.ndarray, distance: np.ndarray, tiles: "_Tiles"
) -> np.ndarray:
    """Return the fraction of a lamp that each point sees (P,).

    It is the smaller, the longer the way to the lamp runs inside a box. A lamp has a size, so shadows have soft edges;
    the length inside the box stands for the fraction of the lamp that it covers.
    """
    seen = np.ones(points.shape[1], dtype=np.float32)
    for box, chosen in zip(casters, tiles.behind(casters, lamp.position), strict=True):
        if chosen is None:
            continue
        origin = to_local(points[:, chosen] - box.center.astype(np.float32)[:, None], box.yaw)
        near, far = cross(box.shape, origin, to_local(toward[:, chosen], box.yaw), box.half)
        inside = (np.minimum(far, 1) - np.maximum(near, 0)) * distance[chosen]
        opaque = np.float32(min(lamp.softness, 2 * box.half.min()))
        seen[chosen] *= 1 - np.clip(inside / opaque, 0, 1)
    return seen


class _Tiles:
    """The square tiles of an image with a sphere around the points that each of them shows."""

    def __init__(self, points: np.ndarray, shape: tuple[int, int]) -> None:
        self.pixels = _tile_pixels(shape)
        corners = [(points[:, pixels].min(axis=1), points[:, pixels].max(axis=1)) for pixels in self.pixels]
        low, high = (np.array(ends, dtype=np.float64).T for ends in zip(*corners, strict=True))
        self.centers = (low + high) / 2  # (3, T)
        self.radii = np.linalg.norm(high - low, axis=0) / 2 + 1e-3  # (T,)

    def behind(self, boxes: list[Box], lamp: np.ndarray) -> list[np.ndarray | None]:
        """Return for each box the pixels (N,) of the tiles that it may hide from a lamp; None: there are none.

        Every way from a point of a tile to the lamp stays within the tile's radius of the way from its centre, so no
        shadow is missed.
        """
        if not boxes:
            return []
        centers = np.array([box.center for box in boxes])[:, :, None]  # (N, 3, 1)
        reach = np.linalg.norm([box.half for box in boxes], axis=1)[:, None] + self.radii
        way = lamp[:, None] - self.centers  # (3, T)
        offset = centers - self.centers  # (N, 3, T)
        along = np.clip((offset * way).sum(axis=1) / np.maximum((way * way).sum(axis=0), 1e-12), 0, 1)
        near = np.linalg.norm(offset - along[:, None] * way, axis=1) <= reach
        return [np.concatenate([self.pixels[k] for k in np.flatnonzero(row)]) if row.any() else None for row in near]


@lru_cache(maxsize=4)
def _tile_pixels(shape: tuple[int, int]) -> list[np.ndarray]:
    """Return the flat indices of the pixels of each tile of an image (H, W)."""
    indices = np.arange(shape[0] * shape[1]).reshape(shape)
    return [
        indices[top : top + TILE, left : left + TILE].ravel()
        for top in range(0, shape[0], TILE)
        for left in range(0, shape[1], TILE)
    ]
