"""All patterns by name, among them those of many scales: clouds, print and image."""

import numpy as np

from depthkit.datasets.rooms import textures
from depthkit.datasets.rooms.textures import Surface, value_at, value_noise

OCTAVES = 4


def albedo(name: str, surface: Surface) -> np.ndarray:
    """Return the albedo (P, 3) of points with the pattern `name`."""
    return np.clip(PATTERNS[name](surface), 0.01, 0.95)


def clouds(s: Surface) -> np.ndarray:
    """Mix two colours by noise with details of all sizes, as in stone, dirt and worn paint."""
    seed = s.material.seed
    detail = 1.5 * 2.0 ** (seed % 6)  # details per metre of the largest
    total = np.zeros_like(s.u)
    for octave in range(OCTAVES):
        frequency = detail * 2.7**octave
        sharpness = np.clip(1.5 - s.footprint * frequency, 0, 1)
        total += 0.6**octave * (value_noise(s.u * frequency, s.v * frequency, seed + octave) - 0.5) * sharpness
    mixed = np.clip(0.5 + 1.1 * total, 0, 1)[:, None]
    return s.material.color * (1 - mixed) + s.material.accent * mixed


def text(s: Surface) -> np.ndarray:
    """Draw a page with lines of words."""
    seed = s.material.seed
    line = 0.006 + 0.002 * (seed % 9)  # [m]
    row = np.floor(s.v / line)
    word = value_at(np.floor(s.u / (0.9 * line)), row, seed)
    edge = np.minimum(np.minimum(s.u, s.width - s.u), np.minimum(s.v, s.height - s.v))
    inked = (s.v / line % 1 > 0.45) & (word > 0.25) & (edge > line) & (value_at(row, row * 0, seed + 1) > 0.15)
    ink = inked * np.clip(1.5 - s.footprint / line, 0, 1)
    ink = ink + 0.35 * (edge > line) * np.clip(s.footprint / line - 0.5, 0, 1)
    return s.material.color * (1 - 0.85 * np.clip(ink, 0, 1))[:, None]


def image(s: Surface) -> np.ndarray:
    """Show the material's image: once on a face below 1.5 m, else again and again, mirrored in turn."""
    pixels = s.material.image
    height, width = pixels.shape[:2]
    scale = max(s.width / width, s.height / height) if max(s.width, s.height) < 1.5 else 0.8 / width  # [m] per pixel
    skip = int(np.clip(np.median(s.footprint) / scale, 1, min(height, width) // 4))
    level = pixels[skip // 2 :: skip, skip // 2 :: skip]
    column, row = ((at / (scale * skip)).astype(np.int64) for at in (s.u, s.height - s.v))
    return level[_mirrored(row, level.shape[0]), _mirrored(column, level.shape[1])] ** np.float32(2.2)


def _mirrored(place: np.ndarray, length: int) -> np.ndarray:
    """Return places in 0..length-1 that run forwards and backwards in turn."""
    phase = place % (2 * length)
    return np.where(phase < length, phase, 2 * length - 1 - phase)


PATTERNS = {**textures.PATTERNS, "clouds": clouds, "text": text, "image": image}
