"""Rooms of many kinds: any size, full of things, with all sorts of surfaces and light."""

import numpy as np

from depthkit.datasets.rooms.clutter import ON_FLOORS, ON_TOPS, Images, any_material, image_material, is_top, scattered
from depthkit.datasets.rooms.furniture import PIECES, Box, Piece, box, placed
from depthkit.datasets.rooms.scene import Light, Scene, at_wall, hang_on_walls, room_surfaces, skirting
from depthkit.datasets.rooms.textures import Material

FULLEST = 90  # things on tops and on the floor of one room


def wide_scene(rng: np.random.Generator, images: Images) -> Scene:
    """Make a furnished room without a camera (`cameras.with_camera` puts one into it).

    Args:
        rng: draws everything.
        images: RGB (H, W, 3) between 0 and 1, for surfaces with images on them.
    """
    size = np.array([rng.uniform(2.2, 7.5), rng.uniform(2.2, 3.6), rng.uniform(2.4, 8.5)])
    boxes = _furniture(rng, size, images)
    boxes += _things(rng, size, boxes, images)
    windows = hang_on_walls(rng, size, boxes)
    boxes += _on_walls(rng, size, images) + skirting(size)
    ambient = np.exp(rng.uniform(np.log(0.08), np.log(0.5))) * rng.uniform(0.9, 1.1, 3)
    lights = _lights(rng, size, windows[0], boxes)
    surfaces = tuple(own if rng.random() < 0.5 else any_material(rng, images) for own in room_surfaces(rng))
    return Scene(size, surfaces, boxes, lights, ambient, size / 2, np.eye(3), smallest_caster=1e-4, shadow_step=2)


def _furniture(rng: np.random.Generator, size: np.ndarray, images: Images) -> list[Box]:
    """Return furniture at the walls and in the middle of the room; some of it in unusual materials."""
    boxes: list[Box] = []
    taken: list[tuple[np.ndarray, float]] = []
    for _ in range(rng.integers(2, 5 + int(size[0] * size[2] / 3))):
        piece = PIECES[rng.integers(len(PIECES))](rng)
        for _ in range(6):
            wall = int(rng.integers(4))
            length, room = (size[0], size[2]) if wall % 2 == 0 else (size[2], size[0])
            if piece.width + 0.1 > length or piece.depth + 0.1 > room:
                continue
            along = rng.uniform(piece.width / 2, length - piece.width / 2)
            away = 0.02 if rng.random() < 0.6 else rng.uniform(0.02, room - piece.depth)
            x, z, yaw = at_wall(wall, along, away, size)
            middle = placed([box(0, 0, piece.depth / 2, (0, 0, 0), _NOTHING)], x, z, yaw)[0].center
            radius = 0.4 * (piece.width + piece.depth) / 2
            if all(np.hypot(*(middle - other)[[0, 2]]) > radius + far for other, far in taken):
                taken.append((middle, radius))
                boxes += placed(_repainted(rng, piece, images).boxes, x, z, yaw)
                break
    return boxes


_NOTHING = Material("paint", np.zeros(3), np.zeros(3), 0)


def _repainted(rng: np.random.Generator, piece: Piece, images: Images) -> Piece:
    """Return the piece with some of its materials replaced by any other."""
    if rng.random() < 0.5:
        return piece
    new = {id(one.material): any_material(rng, images) for one in piece.boxes}
    keep = rng.random() < 0.5
    boxes = [one._replace(material=new[id(one.material)]._replace(front=one.material.front if keep else None))
             for one in piece.boxes]  # fmt: skip
    return piece._replace(boxes=boxes)


def _things(rng: np.random.Generator, size: np.ndarray, furniture: list[Box], images: Images) -> list[Box]:
    """Return things on the tops of furniture and on the floor, few or many."""
    tops = [one for one in furniture if is_top(one)]
    fullness = rng.uniform(0, 1) ** 0.5
    boxes: list[Box] = []
    left = FULLEST
    for top in (tops[index] for index in rng.permutation(len(tops))):
        area = 4 * top.half[0] * top.half[2]
        count = min(left, rng.poisson(fullness * 22 * area))
        left -= count
        found = scattered(rng, ON_TOPS, count, (2 * top.half[0], 2 * top.half[2]), images)
        lifted = [one._replace(center=one.center + [0, top.center[1] + top.half[1], 0]) for one in found]
        boxes += placed(lifted, top.center[0], top.center[2], top.yaw)
    count = min(max(left, 3), rng.poisson(fullness * 0.8 * size[0] * size[2]))
    return boxes + placed(scattered(rng, ON_FLOORS, count, (size[0], size[2]), images), size[0] / 2, size[2] / 2, 0.0)


def _on_walls(rng: np.random.Generator, size: np.ndarray, images: Images) -> list[Box]:
    """Return posters, shelves and boards on the walls."""
    boxes = []
    for _ in range(rng.integers(0, 9)):
        wall = int(rng.integers(4))
        length = size[0] if wall % 2 == 0 else size[2]
        x, z, yaw = at_wall(wall, rng.uniform(0.3, length - 0.3), 0.0, size)
        if rng.random() < 0.7:
            poster = image_material(rng, images) if rng.random() < 0.6 else any_material(rng, images)
            extent = (rng.uniform(0.2, 1.4), rng.uniform(0.2, 1.0), 0.012)
            hung = [box(0, rng.uniform(0.6, 1.8), 0.006, extent, poster)]
        else:
            width, depth = rng.uniform(0.5, 1.4), rng.uniform(0.18, 0.32)
            board = box(0, rng.uniform(0.5, 1.8), depth / 2, (width, 0.03, depth), any_material(rng, images))
            above = scattered(rng, ON_TOPS, int(rng.integers(0, 5)), (width, depth), images)
            lift = board.center + [0, 0.015, 0]
            hung = [board, *(one._replace(center=one.center + lift) for one in above)]
        boxes += placed(hung, x, z, yaw)
    return boxes


def _lights(rng: np.random.Generator, size: np.ndarray, window: np.ndarray, boxes: list[Box]) -> list[Light]:
    """Return the window and one to three lamps as lights; the lamps are added to `boxes`."""
    day = np.array([0.85, 0.95, 1.1]) * rng.choice([0.0, 1.0, 1.0]) * rng.uniform(0.5, 5.0)
    lights = [Light(window, day, 0.3)]
    shade = Material("paint", np.array([0.95, 0.93, 0.88]), np.ones(3), 3, glow=1.0)
    for _ in range(rng.integers(1, 4)):
        warm = np.array([1.0, rng.uniform(0.75, 1.0), rng.uniform(0.5, 1.05)])
        place = rng.uniform(0.15, 0.85, 3) * size
        place[1] = size[1] - 0.12
        extent = (rng.uniform(0.2, 1.2), 0.1, rng.uniform(0.1, 0.3))
        boxes.append(box(place[0], place[1] + 0.01, place[2], extent, shade))
        lights.append(Light(place - [0, 0.08, 0], warm * rng.uniform(0.4, 3.5), rng.uniform(0.06, 0.4)))
    return lights
