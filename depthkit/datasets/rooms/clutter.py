"""Things on tops and on the floor, and people; each is made of bodies that stand at the origin."""

from collections.abc import Callable, Sequence

import numpy as np

from depthkit.datasets.rooms.furniture import Box, box, chair, placed, turned
from depthkit.datasets.rooms.textures import Material

# Patterns of any surface, and how often.
_PATTERNS = ("paint", "clouds", "image", "wood", "fabric", "stripes", "checker", "text", "tiles", "carpet")
_WEIGHTS = np.array([0.22, 0.27, 0.26, 0.06, 0.08, 0.03, 0.03, 0.03, 0.01, 0.01])

TOPS = (0.3, 1.3)  # height [m] of what things are put on

Images = Sequence[np.ndarray]
Thing = Callable[[np.random.Generator, Images], list[Box]]


def any_material(rng: np.random.Generator, images: Images) -> Material:
    """Return a material of any pattern and colour; without `images` there is none with an image on it."""
    pattern = str(rng.choice(_PATTERNS, p=_WEIGHTS))
    if pattern == "image":
        return image_material(rng, images)
    light = rng.uniform(0.02, 0.9) ** 1.3
    spread = rng.choice([0.12, 0.4, 0.95], p=[0.5, 0.35, 0.15])  # most things are nearly grey
    color, accent = (light * rng.uniform(1 - spread, 1, 3) for _ in range(2))
    return Material(pattern, color, accent * rng.uniform(0.3, 1.3), int(rng.integers(1000)))


def image_material(rng: np.random.Generator, images: Images) -> Material:
    """Return a material that shows a random window of one of `images`; clouds if there are none."""
    colors = rng.uniform(0.05, 0.6) * rng.uniform(0.7, 1, 3), rng.uniform(0.05, 0.7, 3)
    if not images:
        return Material("clouds", *colors, int(rng.integers(1000)))
    image = images[rng.integers(len(images))]
    size = np.maximum(16, rng.uniform(0.15, 1.0) * np.array(image.shape[:2])).astype(int)
    top, left = (int(rng.integers(whole - part + 1)) for whole, part in zip(image.shape[:2], size, strict=True))
    window = image[top : top + size[0], left : left + size[1]]
    window = window[:, :: rng.choice([-1, 1])] * rng.uniform(0.5, 1.1, 3).astype(np.float32)
    return Material("image", *colors, int(rng.integers(1000)), image=np.clip(window, 0, 1))


def round_body(x: float, y: float, z: float, size: tuple[float, float, float], material: Material) -> Box:
    """Return an ellipsoid of `size` (x, y, z) [m] whose lowest point is at (x, y, z)."""
    return box(x, y, z, size, material)._replace(shape="ball")


def upright(x: float, y: float, z: float, width: float, height: float, material: Material) -> Box:
    """Return a cylinder of `width` and `height` [m] that stands at (x, y, z)."""
    return box(x, y, z, (width, height, width), material)._replace(shape="cylinder")


def is_top(one: Box) -> bool:
    """Tell whether things can stand on the box: not too small, and as high as a table or a board."""
    height = one.center[1] + one.half[1]
    return TOPS[0] < height < TOPS[1] and min(one.half[0], one.half[2]) > 0.14


def mug(rng: np.random.Generator, images: Images) -> list[Box]:
    """Make a mug, tin or glass."""
    return [upright(0, 0, 0, rng.uniform(0.06, 0.1), rng.uniform(0.07, 0.16), any_material(rng, images))]


def bottle(rng: np.random.Generator, images: Images) -> list[Box]:
    """Make a bottle with its neck."""
    width, height, made = rng.uniform(0.06, 0.1), rng.uniform(0.13, 0.24), any_material(rng, images)
    neck = made._replace(color=made.color * 0.6)
    return [upright(0, 0, 0, width, height, made), upright(0, height, 0, width * 0.4, rng.uniform(0.03, 0.1), neck)]


def ball(rng: np.random.Generator, images: Images) -> list[Box]:
    """Make a fruit, a ball or a cushion."""
    size = rng.uniform(0.05, 0.28)
    return [round_body(0, 0, 0, tuple(size * rng.uniform(0.6, 1.2, 3)), any_material(rng, images))]


def carton(rng: np.random.Generator, images: Images) -> list[Box]:
    """Make a box of any size, from a packet to a printer."""
    size = np.exp(rng.uniform(np.log(0.05), np.log(0.4))) * rng.uniform(0.4, 1.3, 3)
    return [box(0, 0, 0, tuple(size), any_material(rng, images))]


def books_flat(rng: np.random.Generator, images: Images) -> list[Box]:
    """Make a pile of books, papers or plates."""
    boxes, y = [], 0.0
    for _ in range(rng.integers(1, 7)):
        size = (rng.uniform(0.14, 0.24), rng.uniform(0.008, 0.05), rng.uniform(0.18, 0.31))
        boxes.append(turned(box(0, y, 0, size, any_material(rng, images)), rng.uniform(-0.3, 0.3)))
        y += size[1]
    return boxes


def books_upright(rng: np.random.Generator, images: Images) -> list[Box]:
    """Make a row of upright books or folders."""
    boxes, x = [], -0.15
    for _ in range(rng.integers(3, 10)):
        size = (rng.uniform(0.015, 0.07), rng.uniform(0.18, 0.33), rng.uniform(0.15, 0.26))
        boxes.append(box(x + size[0] / 2, 0, rng.uniform(-0.02, 0.02), size, any_material(rng, images)))
        x += size[0] + 0.001
    return boxes


def paper(rng: np.random.Generator, images: Images) -> list[Box]:
    """Make a printed page."""
    page = Material("text", np.full(3, rng.uniform(0.6, 0.9)), np.ones(3), int(rng.integers(1000)))
    return [box(0, 0, 0, (0.21, 0.002, 0.297), page if rng.random() < 0.7 else image_material(rng, images))]


def monitor(rng: np.random.Generator, images: Images) -> list[Box]:
    """Make a screen on its foot; it may be on."""
    width, rim = rng.uniform(0.36, 0.65), Material("paint", np.full(3, rng.choice([0.03, 0.03, 0.5])), np.ones(3), 1)
    shown = image_material(rng, images)._replace(glow=rng.uniform(0, 0.6))
    height, lift = width * rng.uniform(0.56, 0.8), rng.uniform(0.05, 0.2)
    boxes = [
        box(0, 0, 0, (0.24, 0.02, 0.2), rim),
        box(0, 0, -0.03, (0.06, lift + 0.1, 0.03), rim),
        box(0, lift, 0, (width, height, rng.uniform(0.03, 0.2)), rim._replace(front="screen")),
    ]
    if rng.random() < 0.5:
        front = float(boxes[-1].half[2])
        boxes.append(box(0, lift + 0.02, front, (width - 0.04, height - 0.04, 0.004), shown))
    return boxes


def laptop(rng: np.random.Generator, images: Images) -> list[Box]:
    """Make an open laptop."""
    width = rng.uniform(0.28, 0.38)
    made = Material("paint", np.full(3, rng.choice([0.04, 0.5, 0.7])), np.ones(3), 1)
    shown = image_material(rng, images)._replace(glow=rng.uniform(0, 0.6))
    return [
        box(0, 0, 0, (width, 0.02, 0.24), made),
        box(0, 0.021, 0.0, (width * 0.9, 0.004, 0.11), made._replace(color=made.color * 0.4)),
        box(0, 0, -0.12, (width, 0.23, 0.012), made),
        box(0, 0.02, -0.112, (width - 0.03, 0.2, 0.003), shown),
    ]


def keyboard(rng: np.random.Generator, images: Images) -> list[Box]:
    """Make a keyboard and a mouse."""
    keys = Material("checker", np.full(3, rng.choice([0.03, 0.6])), np.full(3, 0.3), int(rng.integers(1000)))
    return [box(0, 0, 0, (0.44, 0.025, 0.15), keys), round_body(0.32, 0, 0, (0.06, 0.035, 0.1), keys)]


def lamp(rng: np.random.Generator, images: Images) -> list[Box]:
    """Make a table lamp."""
    shade = Material("paint", rng.uniform(0.5, 0.9, 3), np.ones(3), 1, glow=float(rng.choice([0.0, 0.6])))
    height, made = rng.uniform(0.2, 0.45), any_material(rng, images)
    return [
        upright(0, 0, 0, 0.15, 0.02, made), upright(0, 0, 0, 0.025, height, made),
        upright(0, height, 0, rng.uniform(0.15, 0.3), rng.uniform(0.12, 0.22), shade),
    ]  # fmt: skip


def plant(rng: np.random.Generator, images: Images) -> list[Box]:
    """Make a plant in a pot."""
    size = rng.uniform(0.15, 0.6)
    green = np.array([0.1, 0.25, 0.06]) * rng.uniform(0.4, 1.6, 3)
    boxes = [upright(0, 0, 0, 0.6 * size, 0.5 * size, any_material(rng, images))]
    for _ in range(rng.integers(5, 14)):
        leaf = Material("clouds", green * rng.uniform(0.5, 1.5), green * 0.3, int(rng.integers(1000)))
        x, y, z = rng.normal(0, 0.3 * size), size * rng.uniform(0.4, 1.5), rng.normal(0, 0.3 * size)
        boxes.append(turned(round_body(x, y, z, tuple(size * rng.uniform(0.1, 0.6, 3)), leaf), rng.uniform(0, 3)))
    return boxes


def person(rng: np.random.Generator, images: Images) -> list[Box]:
    """Make somebody who stands or sits."""
    skin = np.array([0.55, 0.33, 0.22]) * rng.uniform(0.25, 1.3)
    skin, hair = (
        Material("paint", color, color, 1) for color in (skin, rng.uniform(0.01, 0.25) * np.array([1, 0.8, 0.6]))
    )
    top, trousers = any_material(rng, images), any_material(rng, images)
    tall, sits = rng.uniform(0.92, 1.12), rng.random() < 0.4
    hip = 0.45 if sits else 0.85 * tall
    boxes = []
    for side in (-0.1, 0.1):
        boxes.append(upright(side, 0, 0.35 if sits else 0, 0.15, hip, trousers))
        if sits:
            boxes.append(round_body(side, 0.38, 0.18, (0.17, 0.17, 0.55), trousers))
        reach = rng.uniform(0, 0.25)
        boxes.append(round_body(2.5 * side, hip + 0.05, reach / 2, (0.11, 0.55 * tall, 0.12 + reach), top))
        boxes.append(round_body(2.5 * side, hip, reach, (0.09, 0.14, 0.1), skin))
    boxes += [
        round_body(0, hip - 0.1, 0, (0.4, 0.72 * tall, 0.28), top), upright(0, hip + 0.5 * tall, 0, 0.12, 0.15, skin),
        round_body(0, hip + 0.58 * tall, 0.01, (0.17, 0.24, 0.2), skin),
        round_body(0, hip + 0.63 * tall, -0.02, (0.18, 0.21, 0.2), hair),
    ]  # fmt: skip
    return boxes


def bin_or_stool(rng: np.random.Generator, images: Images) -> list[Box]:
    """Make a bin, a stool or a bucket."""
    return [upright(0, 0, 0, rng.uniform(0.2, 0.45), rng.uniform(0.25, 0.7), any_material(rng, images))]


def any_chair(rng: np.random.Generator, images: Images) -> list[Box]:
    """Make a chair of any material."""
    made = any_material(rng, images)
    return [one._replace(material=made) for one in chair(rng).boxes]


ON_TOPS: tuple[Thing, ...] = (
    mug, mug, bottle, ball, carton, carton, books_flat, books_flat, books_upright, paper, paper, monitor, laptop,
    keyboard, lamp, plant,
)  # fmt: skip
ON_FLOORS: tuple[Thing, ...] = (
    carton, carton, ball, bin_or_stool, any_chair, any_chair, person, plant, books_flat, bottle,
)  # fmt: skip


def scattered(
    rng: np.random.Generator, things: Sequence[Thing], count: int, area: tuple[float, float], images: Images
) -> list[Box]:
    """Return `count` of `things` at random places of an area (x, z) [m] around the origin, at any angle."""
    boxes = []
    for _ in range(count):
        made = things[rng.integers(len(things))](rng, images)
        x, z = (rng.uniform(-0.45, 0.45) * side for side in area)
        boxes += placed(made, x, z, rng.uniform(-0.5, 0.5) if rng.random() < 0.6 else rng.uniform(-np.pi, np.pi))
    return boxes
