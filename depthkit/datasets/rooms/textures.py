"""Procedural surfaces: albedo as a function of the place on a face.

A pattern is a function of `Surface` that returns the linear RGB albedo (P, 3). It depends on nothing but the surface,
so a material looks the same from everywhere.
"""

from typing import NamedTuple

import numpy as np

# A fixed lattice of random numbers, looked up by hashed integer coordinates.
_LATTICE_SIZE = 4096
_LATTICE = np.random.default_rng(20240617).random(_LATTICE_SIZE).astype(np.float32)


class Material(NamedTuple):
    """What a box is made of.

    Attributes:
        pattern: name of a function in `patterns.PATTERNS`.
        color: linear RGB (3,).
        accent: second colour, linear RGB (3,).
        seed: varies the pattern.
        front: pattern of the face towards +z of the box's own frame; None: as the others.
        glow: fraction of emitted light.
        image: RGB (H, W, 3) between 0 and 1, for the pattern ``image``.
    """

    pattern: str
    color: np.ndarray
    accent: np.ndarray
    seed: int
    front: str | None = None
    glow: float = 0.0
    image: np.ndarray | None = None


class Surface(NamedTuple):
    """Points on one face of a box.

    Attributes:
        u: distance to the right of the face's corner (P,) [m].
        v: distance above it (P,) [m].
        width: of the face [m].
        height: of the face [m].
        footprint: size of a pixel at each point (P,) [m].
        material: of the box.
    """

    u: np.ndarray
    v: np.ndarray
    width: float
    height: float
    footprint: np.ndarray
    material: Material


def paint(s: Surface) -> np.ndarray:
    """Draw one colour, faintly mottled."""
    return s.material.color * _shade(0.94 + 0.1 * value_noise(s.u * 1.3, s.v * 1.3, s.material.seed))


def stripes(s: Surface) -> np.ndarray:
    """Draw upright stripes of two colours, as on wallpaper."""
    period = 0.12 + 0.25 * _hash(s.material.seed, 1)
    second = _line((s.u / period) % 1.0, 0.5, s.footprint / period)
    return _mix(s.material.color, s.material.accent, second)


def panelling(s: Surface) -> np.ndarray:
    """Draw a wall in two colours with a rail between them."""
    lower = (s.v < 0.95).astype(np.float32)
    rail = (np.abs(s.v - 0.95) < 0.035).astype(np.float32)
    base = _mix(s.material.color, s.material.accent, lower)
    return _mix(base, np.array([0.8, 0.78, 0.74], np.float32), rail)


def bricks(s: Surface) -> np.ndarray:
    """Draw a brick wall with mortar."""
    return _blocks(s, 0.24, 0.075, 0.012, shift=0.5, spread=0.35)


def tiles(s: Surface) -> np.ndarray:
    """Draw square tiles in two tints with joints."""
    side = 0.2 + 0.3 * _hash(s.material.seed, 2)
    return _blocks(s, side, side, 0.01, shift=0.0, spread=0.12)


def checker(s: Surface) -> np.ndarray:
    """Draw a chessboard of two colours."""
    side = 0.25 + 0.25 * _hash(s.material.seed, 3)
    odd = (np.floor(s.u / side) + np.floor(s.v / side)) % 2
    faded = _fade(odd, 0.5, s.footprint / side)
    return _mix(s.material.color, s.material.accent, faded)


def planks(s: Surface) -> np.ndarray:
    """Draw a floor of boards, each with its own tint and grain."""
    width = 0.1 + 0.1 * _hash(s.material.seed, 4)
    row = np.floor(s.v / width)
    along = s.u / 1.3 + value_at(row, row * 0, s.material.seed) * 7.0
    tint = value_at(np.floor(along), row, s.material.seed + 1)
    gap = 1 - _line((s.v / width) % 1.0, 0.05, s.footprint / width) * 0.6
    gap = gap * (1 - 0.5 * _line(along % 1.0, 0.006, s.footprint / 1.3))
    return s.material.color * _shade((0.7 + 0.5 * tint) * gap * _grain(s))


def wood(s: Surface) -> np.ndarray:
    """Draw sawn wood with its grain along the face."""
    return s.material.color * _shade(_grain(s))


def carpet(s: Surface) -> np.ndarray:
    """Draw a short-piled carpet."""
    pile = _fade(value_noise(s.u * 70, s.v * 70, s.material.seed), 0.5, s.footprint * 70)
    worn = value_noise(s.u * 0.8, s.v * 0.8, s.material.seed + 1)
    return s.material.color * _shade(0.65 + 0.4 * pile + 0.2 * worn)


def rug(s: Surface) -> np.ndarray:
    """Draw a rug with a border and a lattice of lozenges."""
    edge = np.minimum(np.minimum(s.u, s.width - s.u), np.minimum(s.v, s.height - s.v))
    border = ((edge > 0.08) & (edge < 0.18)).astype(np.float32)
    lozenges = (np.abs((s.u / 0.45) % 1 - 0.5) + np.abs((s.v / 0.45) % 1 - 0.5) < 0.3).astype(np.float32)
    lozenges *= edge > 0.22
    return _mix(s.material.color, s.material.accent, np.maximum(border, lozenges)) * _shade(
        0.8 + 0.3 * _fade(value_noise(s.u * 60, s.v * 60, s.material.seed), 0.5, s.footprint * 60)
    )


def fabric(s: Surface) -> np.ndarray:
    """Draw cloth: a weave, with broad checks on some."""
    weave = _fade(value_noise(s.u * 90, s.v * 90, s.material.seed), 0.5, s.footprint * 90)
    checked = _hash(s.material.seed, 5) > 0.6
    bands = (((s.u / 0.22) % 1 < 0.3) * 0.5 + ((s.v / 0.22) % 1 < 0.3) * 0.5).astype(np.float32) * checked
    folds = value_noise(s.u * 3, s.v * 3, s.material.seed + 2)
    return _mix(s.material.color, s.material.accent, bands) * _shade(0.7 + 0.25 * weave + 0.25 * folds)


def cupboard(s: Surface) -> np.ndarray:
    """Draw doors and drawers with gaps and handles."""
    columns = max(1, round(s.width / 0.5))
    rows = max(1, round(s.height / (0.35 + 0.9 * _hash(s.material.seed, 6))))
    cell_u, cell_v = s.width / columns, s.height / rows
    u, v = s.u % cell_u, s.v % cell_v
    edge = np.minimum(np.minimum(u, cell_u - u), np.minimum(v, cell_v - v))
    gap = (edge < 0.008 + 0.5 * s.footprint).astype(np.float32)
    inset = ((edge > 0.06) & (edge < 0.075 + 0.5 * s.footprint)).astype(np.float32)
    handle = ((np.abs(u - cell_u / 2) < 0.06) & (np.abs(v - cell_v * 0.82) < 0.012)).astype(np.float32)
    base = s.material.color * _shade(_grain(s) * (1 - 0.75 * gap) * (1 - 0.25 * inset))
    return _mix(base, np.array([0.12, 0.12, 0.12], np.float32), handle)


def books(s: Surface) -> np.ndarray:
    """Draw shelves of books."""
    shelf = np.floor(s.v / 0.34)
    above = s.v - shelf * 0.34
    column = np.floor(s.u / 0.045 + 0.4 * value_noise(s.u * 9, shelf, s.material.seed))
    tall = 0.16 + 0.12 * value_at(column, shelf, s.material.seed)
    hue = [value_at(column, shelf, s.material.seed + channel + 1) for channel in range(3)]
    spine = np.stack(hue, axis=-1) ** 1.5 * 0.6 + 0.04
    spine *= _shade(1 - 0.5 * _line((s.u / 0.045) % 1, 0.12, s.footprint / 0.045))
    missing = (above > tall) | (value_at(column, shelf, s.material.seed + 7) > 0.9)
    spine[missing] = s.material.color * 0.25
    spine[above < 0.025] = s.material.color
    return spine


def painting(s: Surface) -> np.ndarray:
    """Draw a framed landscape with a mount."""
    edge = np.minimum(np.minimum(s.u, s.width - s.u), np.minimum(s.v, s.height - s.v))
    hills = 0.5 * s.height + 0.2 * s.height * (value_noise(s.u * 5, s.u * 0, s.material.seed) - 0.5)
    land = (s.v < hills).astype(np.float32)
    sky = _mix(s.material.accent, np.array([0.7, 0.75, 0.8], np.float32), s.v / s.height)
    scene = _mix(sky, s.material.color * 0.6, land) * _shade(
        0.6 + 0.8 * value_noise(s.u * 14, s.v * 14, s.material.seed + 3)
    )
    scene[edge < 0.07] = (0.82, 0.81, 0.77)
    scene[edge < 0.025] = (0.1, 0.07, 0.05)
    return scene


def window(s: Surface) -> np.ndarray:
    """Draw a window: a bright outside behind a frame with bars."""
    edge = np.minimum(np.minimum(s.u, s.width - s.u), np.minimum(s.v, s.height - s.v))
    panes = max(1, round(s.width / 0.7))
    bars = np.abs((s.u / s.width * panes + 0.5) % 1 - 0.5) * s.width / panes < 0.025
    bars |= np.abs(s.v - 0.62 * s.height) < 0.022
    trees = s.v < s.height * (0.2 + 0.35 * value_noise(s.u * 4, s.u * 0, s.material.seed))
    outside = _mix(np.array([0.8, 0.88, 0.95], np.float32), np.array([0.55, 0.72, 0.95], np.float32), s.v / s.height)
    leaves = np.array([0.18, 0.3, 0.12], np.float32) * _shade(0.5 + value_noise(s.u * 25, s.v * 25, s.material.seed))
    outside = np.where(trees[:, None], leaves, outside)
    outside[(edge < 0.05) | bars] = (0.5, 0.5, 0.48)
    return outside


def door(s: Surface) -> np.ndarray:
    """Draw a door leaf with two panels and a handle."""
    panel = np.minimum(np.minimum(s.u, s.width - s.u) - 0.12, np.minimum(s.v, s.height - s.v) - 0.15)
    middle = np.abs(s.v - 0.5 * s.height) - 0.06
    line = (np.abs(np.minimum(panel, middle)) < 0.012 + 0.5 * s.footprint).astype(np.float32)
    handle = ((np.abs(s.u - 0.07) < 0.05) & (np.abs(s.v - 1.02) < 0.016)).astype(np.float32)
    return _mix(paint(s) * _shade(1 - 0.45 * line), np.array([0.2, 0.19, 0.17], np.float32), handle)


def screen(s: Surface) -> np.ndarray:
    """Draw a dark screen in a black rim."""
    edge = np.minimum(np.minimum(s.u, s.width - s.u), np.minimum(s.v, s.height - s.v))
    glass = 0.02 + 0.05 * (s.u / s.width + s.v / s.height)
    glass = np.where(edge < 0.02, np.float32(0.01), glass)
    return np.stack([glass, glass * 1.05, glass * 1.2], axis=-1)


def value_at(i: np.ndarray, j: np.ndarray, seed: int) -> np.ndarray:
    """Return a number in [0, 1) for each pair of whole numbers, fixed for a pair and seed."""
    hashed = i.astype(np.int64) * 1619 + j.astype(np.int64) * 31337 + seed * 6971
    return _LATTICE[(hashed ^ (hashed >> 7)) & (_LATTICE_SIZE - 1)]


def value_noise(u: np.ndarray, v: np.ndarray, seed: int) -> np.ndarray:
    """Return smooth noise in [0, 1) with details of size 1."""
    i, j = np.floor(u), np.floor(v)
    a, b = u - i, v - j
    a, b = a * a * (3 - 2 * a), b * b * (3 - 2 * b)
    lower = value_at(i, j, seed) * (1 - a) + value_at(i + 1, j, seed) * a
    upper = value_at(i, j + 1, seed) * (1 - a) + value_at(i + 1, j + 1, seed) * a
    return lower * (1 - b) + upper * b


def _blocks(s: Surface, width: float, height: float, joint: float, shift: float, spread: float) -> np.ndarray:
    row = np.floor(s.v / height)
    along = s.u / width + shift * (row % 2)
    tint = value_at(np.floor(along), row, s.material.seed)
    near_u = np.abs(along % 1.0 - 0.5) * width > 0.5 * (width - joint)
    near_v = np.abs((s.v / height) % 1.0 - 0.5) * height > 0.5 * (height - joint)
    joints = _fade((near_u | near_v).astype(np.float32), joint / height, s.footprint / (4 * joint))
    return _mix(s.material.color * _shade(1 - spread + 2 * spread * tint), s.material.accent, joints)


def _grain(s: Surface) -> np.ndarray:
    fine = _fade(value_noise(s.u * 3, s.v * 55, s.material.seed), 0.5, s.footprint * 55)
    return 0.72 + 0.3 * fine + 0.2 * value_noise(s.u * 1.1, s.v * 9, s.material.seed + 1)


def _fade(values: np.ndarray, mean: float, pixels_per_detail: np.ndarray) -> np.ndarray:
    """Fade to the mean where a pixel covers more than a detail, so that distant surfaces do not flicker."""
    sharpness = np.clip(1.5 - pixels_per_detail, 0, 1)
    return values * sharpness + mean * (1 - sharpness)


def _line(phase: np.ndarray, fraction: float, footprint: np.ndarray) -> np.ndarray:
    """Return 1 where `phase` is below `fraction`, else 0; fade to `fraction` in the distance."""
    return _fade((phase < fraction).astype(np.float32), fraction, footprint)


def _mix(first: np.ndarray, second: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    fraction = fraction[:, None]
    return first * (1 - fraction) + second * fraction


def _shade(values: np.ndarray) -> np.ndarray:
    return values[:, None]


def _hash(seed: int, salt: int) -> float:
    return float(_LATTICE[(seed * 7919 + salt * 104729) % _LATTICE_SIZE])


PATTERNS = {
    pattern.__name__: pattern
    for pattern in (
        paint, stripes, panelling, bricks, tiles, checker, planks, wood, carpet, rug, fabric, cupboard, books,
        painting, window, door, screen,
    )
}  # fmt: skip
