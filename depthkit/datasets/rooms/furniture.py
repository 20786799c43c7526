"""Furniture made of boxes. Its frame: x along the wall, y up from the floor, z away from the wall."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from depthkit.datasets.rooms.shapes import Shape
from depthkit.datasets.rooms.textures import Material


class Box(NamedTuple):
    """A box that may be turned about the vertical, or the round body inscribed in it.

    Attributes:
        center: its centre (3,) [m].
        half: half of its size (3,) [m].
        yaw: angle [rad].
        material: of its faces.
        shape: what is inside the box.
    """

    center: np.ndarray
    half: np.ndarray
    yaw: float
    material: Material
    shape: Shape = "box"


class Piece(NamedTuple):
    """A piece of furniture.

    Attributes:
        boxes: what it is made of.
        width: of the floor under it, along x [m].
        depth: of the floor under it, along z [m].
    """

    boxes: list[Box]
    width: float
    depth: float


def box(x: float, y: float, z: float, size: tuple[float, float, float], material: Material) -> Box:
    """Return the box of `size` (x, y, z) [m] that has the centre of its bottom at (x, y, z)."""
    half = np.array(size) / 2
    return Box(np.array([x, y + half[1], z]), half, 0.0, material)


def cabinet(rng: np.random.Generator) -> Piece:
    """Make a chest of drawers, a sideboard or a wardrobe, with things on the low ones."""
    width, depth = rng.uniform(0.5, 1.5), rng.uniform(0.35, 0.6)
    height = rng.choice([rng.uniform(0.6, 1.1), rng.uniform(1.7, 2.2)])
    body = timber(rng)._replace(front="cupboard")
    plinth = body._replace(front=None, color=body.color * 0.4)
    boxes = [
        box(0, 0, depth / 2 - 0.02, (width - 0.04, 0.08, depth - 0.04), plinth),
        box(0, 0.08, depth / 2, (width, height - 0.08, depth), body),
    ]
    if height < 1.2:
        boxes += things(rng, 0, height, depth / 2, width, depth)
    return Piece(boxes, width, depth)


def bookshelf(rng: np.random.Generator) -> Piece:
    """Make a bookcase full of books."""
    width, depth, height = rng.uniform(0.6, 1.6), rng.uniform(0.25, 0.35), 0.34 * rng.integers(3, 7) + 0.03
    frame = timber(rng)
    filling = frame._replace(front="books")
    boxes = [box(0, 0, depth / 2 - 0.02, (width - 0.04, height - 0.02, depth - 0.04), filling)]
    boxes += [box(side * (width / 2 - 0.01), 0, depth / 2, (0.025, height, depth), frame) for side in (-1, 1)]
    boxes.append(box(0, height - 0.02, depth / 2, (width, 0.025, depth), frame))
    return Piece(boxes, width, depth)


def bed(rng: np.random.Generator) -> Piece:
    """Make a bed with its head at the wall."""
    width, length = rng.uniform(0.9, 1.8), rng.uniform(1.95, 2.1)
    frame, sheet, cover = timber(rng), cloth(rng, light=True), cloth(rng)
    boxes = [
        box(0, 0, 0.03, (width + 0.06, rng.uniform(0.8, 1.1), 0.06), frame),
        box(0, 0.1, length / 2, (width, 0.18, length), frame),
        box(0, 0.28, length / 2 + 0.02, (width - 0.04, 0.2, length - 0.06), sheet),
        box(0, 0.3, length * 0.62, (width + 0.03, 0.21, length * 0.74), cover),
    ]
    pillows = 2 if width > 1.3 else 1
    for side in range(pillows):
        x = (side - (pillows - 1) / 2) * width / 2
        boxes.append(turned(box(x, 0.48, 0.32, (0.6, 0.11, 0.38), sheet), rng.uniform(-0.15, 0.15)))
    return Piece(boxes, width + 0.06, length + 0.03)


def sofa(rng: np.random.Generator) -> Piece:
    """Make a sofa or an armchair with cushions."""
    width, depth, back = rng.choice([0.9, 1.6, 2.1]), rng.uniform(0.8, 0.95), rng.uniform(0.75, 0.95)
    cover, pillow = cloth(rng), cloth(rng)
    arm = 0.18
    boxes = [box(0, 0.05, depth / 2, (width, 0.3, depth), cover), box(0, 0.05, 0.11, (width, back - 0.05, 0.22), cover)]
    boxes += [box(side * (width - arm) / 2, 0.05, depth / 2, (arm, 0.55, depth), cover) for side in (-1, 1)]
    seats = max(1, round((width - 2 * arm) / 0.65))
    seat_width = (width - 2 * arm) / seats
    for seat in range(seats):
        x = (seat - (seats - 1) / 2) * seat_width
        boxes.append(box(x, 0.35, depth / 2 + 0.1, (seat_width - 0.02, 0.12, depth - 0.22), cover))
    if rng.random() < 0.7:
        x = rng.choice([-1, 1]) * (width / 2 - arm - 0.25)
        boxes.append(turned(box(x, 0.47, 0.36, (0.42, 0.4, 0.14), pillow), rng.uniform(-0.4, 0.4)))
    return Piece(boxes, width, depth)


def desk(rng: np.random.Generator) -> Piece:
    """Make a desk with a screen, a keyboard, and a chair before it."""
    width, depth, height = rng.uniform(1.1, 1.7), rng.uniform(0.6, 0.8), rng.uniform(0.7, 0.76)
    top = timber(rng)
    dark = Material("paint", np.full(3, 0.03), np.full(3, 0.03), int(rng.integers(1000)))
    boxes = tabletop(width, depth, height, top)
    boxes += [
        box(0, height, 0.22, (0.22, 0.02, 0.16), dark),
        box(0, height, 0.18, (0.05, 0.14, 0.03), dark),
        box(0, height + 0.1, 0.2, (rng.uniform(0.45, 0.65), 0.34, 0.03), dark._replace(front="screen")),
        box(0, height, 0.46, (0.42, 0.025, 0.14), dark),
    ]
    boxes += things(rng, 0.36 * width, height, depth / 2, 0.25 * width, depth)
    seat = chair(rng)
    boxes += placed(seat.boxes, rng.uniform(-0.25, 0.25), depth + 0.15, rng.uniform(-0.5, 0.5))
    return Piece(boxes, width, depth + 0.5)


def table(rng: np.random.Generator) -> Piece:
    """Make a dining or coffee table, with chairs if it is high enough."""
    width, depth = rng.uniform(0.8, 1.6), rng.uniform(0.6, 0.9)
    height = rng.choice([0.42, 0.75])
    boxes = tabletop(width, depth, height, timber(rng))
    boxes = placed(boxes, 0, 0.35, 0.0)
    boxes += things(rng, 0, height, depth / 2 + 0.35, width, depth)
    if height > 0.6:
        look = rng.bit_generator.state
        for side, z in ((1, depth + 0.35 + 0.18), (-1, 0.35 - 0.18)):
            rng.bit_generator.state = look
            turn = 0.0 if side > 0 else np.pi
            boxes += placed(chair(rng).boxes, side * rng.uniform(0.0, 0.25) * width, z, turn)
    return Piece(boxes, width, depth + 0.7)


def chair(rng: np.random.Generator) -> Piece:
    """Make a chair around the origin, its back away from the wall."""
    frame = timber(rng)
    seat = cloth(rng) if rng.random() < 0.5 else frame
    boxes = [box(0, 0.43, 0, (0.42, 0.05, 0.42), seat), box(0, 0.62, 0.2, (0.42, 0.3, 0.035), seat)]
    for x in (-0.18, 0.18):
        boxes.append(box(x, 0, 0.19, (0.04, 0.9, 0.04), frame))
        boxes.append(box(x, 0, -0.18, (0.04, 0.43, 0.04), frame))
    return Piece(boxes, 0.45, 0.45)


def kitchen(rng: np.random.Generator) -> Piece:
    """Make a row of kitchen units: base units under a worktop, and wall units above."""
    width, depth = rng.uniform(1.6, 3.0), 0.6
    unit = timber(rng)._replace(front="cupboard")
    stone = Material("paint", np.full(3, rng.uniform(0.05, 0.5)), np.full(3, 0.3), int(rng.integers(1000)))
    boxes = [
        box(0, 0, depth / 2 - 0.03, (width, 0.86, depth - 0.06), unit),
        box(0, 0.86, depth / 2, (width + 0.02, 0.04, depth), stone),
    ]
    if rng.random() < 0.7:
        boxes.append(box(0, 1.45, 0.17, (width, 0.7, 0.34), unit))
    boxes += things(rng, 0, 0.9, 0.36, width, 0.4)
    return Piece(boxes, width, depth)


def cartons(rng: np.random.Generator) -> Piece:
    """Make one to three cardboard boxes, on top of each other."""
    y, boxes = 0.0, []
    for _ in range(rng.integers(1, 4)):
        size = (rng.uniform(0.3, 0.6), rng.uniform(0.2, 0.45), rng.uniform(0.3, 0.5))
        color = np.array([0.45, 0.31, 0.18]) * rng.uniform(0.7, 1.3)
        carton = Material("wood", color, color, int(rng.integers(1000)))
        boxes.append(turned(box(0, y, 0.33, size, carton), rng.uniform(-0.5, 0.5)))
        y += size[1]
    return Piece(boxes, 0.65, 0.65)


def floor_lamp(rng: np.random.Generator) -> Piece:
    """Make a lamp on a pole."""
    metal = Material("paint", np.full(3, 0.1), np.full(3, 0.1), 1)
    shade = Material("paint", np.array([0.9, 0.75, 0.5]), np.ones(3), int(rng.integers(1000)), glow=0.6)
    height = rng.uniform(1.3, 1.6)
    boxes = [
        box(0, 0, 0.2, (0.26, 0.03, 0.26), metal),
        box(0, 0, 0.2, (0.03, height, 0.03), metal),
        box(0, height, 0.2, (0.34, 0.3, 0.34), shade),
    ]
    return Piece(boxes, 0.4, 0.4)


def things(rng: np.random.Generator, x: float, y: float, z: float, width: float, depth: float) -> list[Box]:
    """Return a few small boxes on a top of `width` times `depth` [m] around (x, y, z)."""
    found = []
    for _ in range(rng.integers(0, 4)):
        size = (rng.uniform(0.06, 0.25), rng.uniform(0.04, 0.3), rng.uniform(0.06, 0.2))
        place = (x + rng.uniform(-0.4, 0.4) * width, y, z + rng.uniform(-0.3, 0.3) * depth)
        material = Material("paint", rng.uniform(0.03, 0.8, 3), rng.uniform(0.03, 0.8, 3), int(rng.integers(1000)))
        found.append(turned(box(*place, size, material), rng.uniform(-1.5, 1.5)))
    return found


def tabletop(width: float, depth: float, height: float, material: Material) -> list[Box]:
    """Return a slab on four legs with its long side at the wall."""
    boxes = [box(0, height - 0.035, depth / 2, (width, 0.035, depth), material)]
    for x in (-width / 2 + 0.05, width / 2 - 0.05):
        boxes += [box(x, 0, z, (0.05, height - 0.035, 0.05), material) for z in (0.05, depth - 0.05)]
    return boxes


def to_local(vectors: np.ndarray, yaw: float) -> np.ndarray:
    """Turn vectors (3, ...) of the world into the frame of a box that is turned by `yaw` [rad]."""
    if yaw == 0:
        return vectors
    cosine, sine = vectors.dtype.type(np.cos(yaw)), vectors.dtype.type(np.sin(yaw))
    x, y, z = vectors
    return np.stack([cosine * x - sine * z, y, sine * x + cosine * z])


def turned(one: Box, yaw: float) -> Box:
    """Return the box turned about its own vertical axis by `yaw` [rad]."""
    return one._replace(yaw=one.yaw + yaw)


def placed(boxes: list[Box], x: float, z: float, yaw: float) -> list[Box]:
    """Return boxes turned about the vertical through the origin by `yaw` [rad], then moved by (x, z) [m]."""
    cosine, sine = np.cos(yaw), np.sin(yaw)
    turn = np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])
    return [one._replace(center=turn @ one.center + np.array([x, 0.0, z]), yaw=one.yaw + yaw) for one in boxes]


def timber(rng: np.random.Generator) -> Material:
    """Return wood, or wood painted white, grey or coloured."""
    tones = np.array([[0.36, 0.2, 0.09], [0.5, 0.33, 0.17], [0.16, 0.08, 0.04], [0.75, 0.73, 0.7], [0.25, 0.27, 0.3]])
    color = tones[rng.integers(len(tones))] * rng.uniform(0.75, 1.2)
    if rng.random() < 0.12:
        color = rng.uniform(0.05, 0.6, 3)
    pattern = "wood" if color[0] > 1.2 * color[2] else "paint"
    return Material(pattern, color, color * 0.5, int(rng.integers(1000)))


def cloth(rng: np.random.Generator, light: bool = False) -> Material:
    """Return a fabric of any colour, or a nearly white one."""
    color = rng.uniform(0.6, 0.8) * np.ones(3) if light else rng.uniform(0.04, 0.5) * rng.uniform(0.4, 1.3, 3)
    return Material("fabric", color, rng.uniform(0.1, 0.7, 3), int(rng.integers(1000)))


PIECES: tuple[Callable[[np.random.Generator], Piece], ...] = (
    cabinet, bookshelf, bed, sofa, desk, table, kitchen, cartons, floor_lamp,
)  # fmt: skip
