"""Random furnished rooms with a camera in them. World: x to the right, y up, z forward [m]."""

from typing import NamedTuple

import numpy as np

from depthkit.datasets.rooms.furniture import PIECES, Box, box, placed
from depthkit.datasets.rooms.textures import Material

# Distance between furniture and the camera, seen from above [m].
CAMERA_CLEARANCE = 0.9
PLACEMENT_TRIES = 12


class Light(NamedTuple):
    """A lamp or window.

    Attributes:
        position: (3,) [m].
        power: linear RGB (3,).
        softness: of its shadows [m].
    """

    position: np.ndarray
    power: np.ndarray
    softness: float


class Scene(NamedTuple):
    """A room with a corner in the origin, and what is in it.

    Attributes:
        size: (x, y, z) [m].
        surfaces: materials of (walls, floor, ceiling).
        boxes: furniture and fittings.
        lights: lamps and windows.
        ambient: light from all around, linear RGB (3,).
        eye: position of the camera (3,) [m].
        rotation: (3, 3); its columns are the camera's right, down and forward axes in the world.
        smallest_caster: boxes below this volume [m^3] throw no shadow.
        shadow_step: shadows are worked out for every N-th row and column of an image.
    """

    size: np.ndarray
    surfaces: tuple[Material, Material, Material]
    boxes: list[Box]
    lights: list[Light]
    ambient: np.ndarray
    eye: np.ndarray
    rotation: np.ndarray
    smallest_caster: float = 0.002
    shadow_step: int = 1


def random_scene(rng: np.random.Generator) -> Scene:
    """Make a room of 3 to 7 m per side with furniture along its walls and a camera that looks into it."""
    size = np.array([rng.uniform(3.0, 6.5), rng.uniform(2.4, 3.0), rng.uniform(3.2, 7.0)])
    eye, rotation = _random_camera(rng, size)
    boxes = _furnish(rng, size, eye)
    windows = hang_on_walls(rng, size, boxes)
    boxes += skirting(size)
    lamp = np.array([size[0] / 2, size[1] - 0.12, size[2] / 2]) + rng.uniform(-0.6, 0.6, 3) * [1, 0, 1]
    warm = np.array([1.0, rng.uniform(0.78, 0.95), rng.uniform(0.55, 0.9)])
    shade = Material("paint", np.array([0.95, 0.93, 0.88]), np.ones(3), 3, glow=1.0)
    boxes.append(Box(lamp + [0, 0.06, 0], np.array([0.18, 0.05, 0.18]), 0.0, shade))
    lights = [Light(lamp - [0, 0.08, 0], warm * rng.uniform(1.5, 3.5), 0.12)]
    for window in windows[:1]:
        lights.append(Light(window, np.array([0.85, 0.95, 1.1]) * rng.uniform(1.0, 4.0), 0.3))
    ambient = rng.uniform(0.1, 0.25) * np.array([1.0, 0.99, 0.97])
    return Scene(size, room_surfaces(rng), boxes, lights, ambient, eye, rotation)


def camera_rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Return the axes (right, down, forward) of a camera as columns (3, 3).

    Args:
        yaw: angle to the right [rad]; with all angles 0 the camera looks along +z, upright.
        pitch: angle upwards [rad].
        roll: angle about the optical axis [rad].
    """
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    forward = np.array([sy * cp, sp, cy * cp])
    right = np.array([cy, 0.0, -sy])
    down = np.cross(right, forward)
    return np.stack([cr * right + sr * down, cr * down - sr * right, forward], axis=1)


def _random_camera(rng: np.random.Generator, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a standing or sitting person's view from near one wall towards the far side of the room."""
    toward = rng.uniform(0, 2 * np.pi)
    middle = size[[0, 2]] / 2
    reach = middle - rng.uniform(0.3, 0.7)
    place = middle - np.array([np.sin(toward), np.cos(toward)]) * reach * rng.uniform(0.5, 1.0)
    eye = np.array([place[0], rng.uniform(1.0, 1.75), place[1]])
    aim = middle + rng.uniform(-0.3, 0.3, 2) * size[[0, 2]] - place
    yaw = np.arctan2(aim[0], aim[1])
    return eye, camera_rotation(yaw, rng.uniform(-0.42, 0.05), rng.uniform(-0.06, 0.06))


def _furnish(rng: np.random.Generator, size: np.ndarray, eye: np.ndarray) -> list[Box]:
    """Return furniture that stands at the walls, does not overlap, and leaves room for the camera."""
    boxes: list[Box] = []
    taken: list[np.ndarray] = []
    for _ in range(rng.integers(5, 10)):
        piece = PIECES[rng.integers(len(PIECES))](rng)
        for _ in range(PLACEMENT_TRIES):
            wall = int(rng.integers(4))
            length = size[0] if wall % 2 == 0 else size[2]
            if length < piece.width + 0.1:
                continue
            along = rng.uniform(piece.width / 2 + 0.03, length - piece.width / 2 - 0.03)
            away = rng.choice([0.02, 0.02, 0.02, rng.uniform(0.3, 1.2)])
            x, z, yaw = at_wall(wall, along, away, size)
            corners = _at_wall_rectangle(wall, along, away, piece.width, piece.depth, size)
            if _is_free(corners, taken, size, eye):
                taken.append(corners)
                boxes += placed(piece.boxes, x, z, yaw)
                break
    if rng.random() < 0.5:
        rug = Material("rug", rng.uniform(0.05, 0.5, 3), rng.uniform(0.1, 0.7, 3), int(rng.integers(1000)))
        extent = (rng.uniform(1.2, 2.2), 0.012, rng.uniform(1.2, 2.2))
        boxes.append(box(size[0] / 2, 0.0, size[2] / 2, extent, rug))
    return boxes


def at_wall(wall: int, along: float, away: float, size: np.ndarray) -> tuple[float, float, float]:
    """Return (x, z, yaw) of a frame at a wall: its z axis points into the room."""
    return (
        (along, away, 0.0),
        (away, along, np.pi / 2),
        (along, size[2] - away, np.pi),
        (size[0] - away, along, -np.pi / 2),
    )[wall]


def _at_wall_rectangle(
    wall: int, along: float, away: float, width: float, depth: float, size: np.ndarray
) -> np.ndarray:
    """Return the floor (x0, z0, x1, z1) [m] that a piece at a wall occupies."""
    first, last = along - width / 2, along + width / 2
    return np.array(
        (
            (first, away, last, away + depth),
            (away, first, away + depth, last),
            (first, size[2] - away - depth, last, size[2] - away),
            (size[0] - away - depth, first, size[0] - away, last),
        )[wall]
    )


def _is_free(rectangle: np.ndarray, taken: list[np.ndarray], size: np.ndarray, eye: np.ndarray) -> bool:
    x0, z0, x1, z1 = rectangle
    if x0 < 0 or z0 < 0 or x1 > size[0] or z1 > size[2]:
        return False
    nearest = np.clip(eye[[0, 2]], rectangle[:2], rectangle[2:])
    if np.hypot(*(nearest - eye[[0, 2]])) < CAMERA_CLEARANCE:
        return False
    return not any(x0 < o[2] and o[0] < x1 and z0 < o[3] and o[1] < z1 for o in taken)


def hang_on_walls(rng: np.random.Generator, size: np.ndarray, boxes: list[Box]) -> list[np.ndarray]:
    """Add a door, windows and paintings to `boxes`; return the places [m] where light comes in."""
    windows = []
    for number, wall in enumerate(rng.permutation(4)):
        length = size[0] if wall % 2 == 0 else size[2]
        seed = int(rng.integers(1000))
        if number == 0:
            width = rng.uniform(1.0, min(2.4, length - 0.6))
            height, bottom = rng.uniform(1.0, 1.4), 0.9
            material = Material("paint", np.full(3, 0.7), np.ones(3), seed, front="window", glow=1.0)
        elif number == 1:
            width, height, bottom = 0.88, 2.03, 0.0
            color = np.array([[0.75, 0.73, 0.68], [0.4, 0.25, 0.12]])[rng.integers(2)]
            material = Material("paint", color, color, seed, front="door")
        else:
            width, height, bottom = rng.uniform(0.35, 1.1), rng.uniform(0.3, 0.75), rng.uniform(1.3, 1.5)
            material = Material("paint", rng.uniform(0.05, 0.6, 3), rng.uniform(0.1, 0.8, 3), seed, front="painting")
        along = rng.uniform(width / 2 + 0.15, length - width / 2 - 0.15)
        x, z, yaw = at_wall(int(wall), along, 0.0, size)
        thickness = 0.04
        boxes += placed([box(0, bottom, thickness / 2, (width, height, thickness), material)], x, z, yaw)
        if number == 0:
            inward = placed([box(0, bottom + height / 2, 0.25, (0, 0, 0), material)], x, z, yaw)
            windows.append(inward[0].center)
    return windows


def skirting(size: np.ndarray) -> list[Box]:
    """Return the boards along the foot of the walls."""
    white = Material("paint", np.array([0.72, 0.71, 0.68]), np.ones(3), 2)
    boards = []
    for wall in range(4):
        length = size[0] if wall % 2 == 0 else size[2]
        x, z, yaw = at_wall(wall, length / 2, 0.0, size)
        boards += placed([box(0, 0, 0.007, (length, 0.09, 0.014), white)], x, z, yaw)
    return boards


def room_surfaces(rng: np.random.Generator) -> tuple[Material, Material, Material]:
    """Return materials of (walls, floor, ceiling)."""
    light = rng.uniform(0.45, 0.8)
    wall_color = light * np.clip(1 + rng.normal(0, 0.1, 3), 0.5, 1.15)
    wall_pattern = str(rng.choice(["paint", "paint", "paint", "stripes", "panelling", "bricks"]))
    accent = wall_color * rng.uniform(0.6, 0.9)
    if wall_pattern == "bricks":
        wall_color, accent = np.array([0.36, 0.15, 0.09]) * rng.uniform(0.8, 1.3), np.array([0.45, 0.42, 0.38])
    floor_pattern = str(rng.choice(["planks", "planks", "tiles", "carpet", "checker"]))
    floor_color = {
        "planks": np.array([0.42, 0.25, 0.12]) * rng.uniform(0.5, 1.4),
        "tiles": np.full(3, rng.uniform(0.25, 0.65)) * rng.uniform(0.85, 1.1, 3),
        "carpet": rng.uniform(0.1, 0.4) * rng.uniform(0.6, 1.2, 3),
        "checker": np.full(3, rng.uniform(0.4, 0.7)),
    }[floor_pattern]
    floor_accent = floor_color * rng.uniform(0.2, 0.6)
    seeds = rng.integers(1000, size=3)
    return (
        Material(wall_pattern, wall_color, accent, int(seeds[0])),
        Material(floor_pattern, floor_color, floor_accent, int(seeds[1])),
        Material("paint", np.full(3, rng.uniform(0.7, 0.88)), np.ones(3), int(seeds[2])),
    )
