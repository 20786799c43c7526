"""Where a camera may be in a room, and what it looks at."""

import numpy as np

from depthkit.datasets.rooms.clutter import is_top
from depthkit.datasets.rooms.furniture import to_local
from depthkit.datasets.rooms.rendering import camera_rays, cast
from depthkit.datasets.rooms.scene import Scene, camera_rotation
from depthkit.utils.camera import pinhole

TRIES = 25
MARGIN = 0.15  # [m] between the camera and walls
GLANCE = (18, 24)  # (H, W) [px] of the view that decides whether a camera is good
NEAREST = 0.3  # [m]; sensors measure nothing nearer
FEWEST = 9  # bodies in sight, the room itself among them; bare walls teach little
NARROWEST, WIDEST = 42.0, 80.0  # horizontal field of view [degrees]


def random_intrinsics(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return intrinsics (3, 3) [px] of images (H, W) with any usual field of view."""
    low, high = (shape[1] / 2 / np.tan(np.radians(angle) / 2) for angle in (WIDEST, NARROWEST))
    focal = np.exp(rng.uniform(np.log(low), np.log(high)))
    x, y = rng.normal(0, 0.015, 2) * shape[1]
    return pinhole(focal, focal, (shape[1] - 1) / 2 + x, (shape[0] - 1) / 2 + y)


def with_camera(rng: np.random.Generator, scene: Scene, intrinsics: np.ndarray, shape: tuple[int, int]) -> Scene:
    """Return the scene with a camera that stands free and sees more than one flat surface."""
    small = intrinsics.copy()
    small[0] *= GLANCE[1] / shape[1]
    small[1] *= GLANCE[0] / shape[0]
    seen = scene
    for _ in range(TRIES):
        eye, rotation = VIEWS[rng.choice(len(VIEWS), p=WEIGHTS)](rng, scene)
        eye = np.clip(eye, MARGIN, scene.size - MARGIN)
        seen = scene._replace(eye=eye, rotation=rotation)
        if _inside_something(seen):
            continue
        depth, things = cast(seen, camera_rays(small, GLANCE, rotation), small)
        nearest, middle, spread = np.percentile(depth, 1), np.median(depth), np.log(depth).std()
        if nearest > NEAREST and middle > 0.4 and spread > 0.1 and len(np.unique(things)) >= FEWEST:
            break
    return seen


def across(rng: np.random.Generator, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Look through the room from somewhere in it, held at any height."""
    eye = rng.uniform(0.08, 0.92, 3) * scene.size
    eye[1] = rng.uniform(0.5, 1.9)
    middle = scene.size * rng.uniform(0.2, 0.8, 3)
    middle[1] = rng.uniform(0.2, 1.3)
    return eye, _aimed(rng, eye, middle)


def near_thing(rng: np.random.Generator, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Look at something in the room from close by, level or from above."""
    target = scene.boxes[rng.integers(len(scene.boxes))].center
    distance = np.exp(rng.uniform(np.log(0.45), np.log(2.4)))
    azimuth, elevation = rng.uniform(-np.pi, np.pi), rng.uniform(-0.1, 1.1)
    eye = target + distance * _direction(azimuth, elevation)
    return eye, _aimed(rng, eye, target + rng.normal(0, 0.12 * distance, 3))


def over_top(rng: np.random.Generator, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Look along a top and what stands on it, as somebody who sits or stands at it."""
    tops = [one for one in scene.boxes if is_top(one)]
    if not tops:
        return near_thing(rng, scene)
    top = tops[rng.integers(len(tops))]
    target = top.center + rng.uniform(-0.7, 0.7, 3) * top.half
    target[1] = top.center[1] + top.half[1] + rng.uniform(0.0, 0.25)
    distance = np.exp(rng.uniform(np.log(0.5), np.log(1.8)))
    azimuth, elevation = rng.uniform(-np.pi, np.pi), rng.uniform(0.1, 0.9)
    eye = target + distance * _direction(azimuth, elevation)
    return eye, _aimed(rng, eye, target + rng.normal(0, 0.1 * distance, 3))


def downwards(rng: np.random.Generator, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Look down at the floor or at a top."""
    eye = rng.uniform(0.1, 0.9, 3) * scene.size
    eye[1] = rng.uniform(0.8, 1.9)
    return eye, camera_rotation(rng.uniform(-np.pi, np.pi), rng.uniform(-1.45, -0.6), _roll(rng))


def anywhere(rng: np.random.Generator, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Look in any direction, as a camera that is carried."""
    eye = rng.uniform(0.08, 0.92, 3) * scene.size
    eye[1] = rng.uniform(0.3, 2.0)
    return eye, camera_rotation(rng.uniform(-np.pi, np.pi), rng.normal(-0.25, 0.4), _roll(rng))


VIEWS = (across, near_thing, over_top, downwards, anywhere)
WEIGHTS = (0.28, 0.28, 0.22, 0.08, 0.14)


def _direction(azimuth: float, elevation: float) -> np.ndarray:
    """Return the unit vector (3,) that points `elevation` above the horizontal [rad]."""
    return np.array([np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)])


def _aimed(rng: np.random.Generator, eye: np.ndarray, target: np.ndarray) -> np.ndarray:
    way = target - eye
    return camera_rotation(np.arctan2(way[0], way[2]), np.arctan2(way[1], np.hypot(way[0], way[2])), _roll(rng))


def _roll(rng: np.random.Generator) -> float:
    return rng.normal(0, 0.05) if rng.random() < 0.8 else rng.normal(0, 0.35)


def _inside_something(scene: Scene) -> bool:
    return any((np.abs(to_local(scene.eye - box.center, box.yaw)) < box.half + 0.12).all() for box in scene.boxes)
