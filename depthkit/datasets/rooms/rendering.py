"""Render a scene as an image and its exact depth, by casting one ray through the centre of each pixel."""

import cv2
import numpy as np

from depthkit.datasets.rooms.furniture import Box
from depthkit.datasets.rooms.scene import Light, Scene
from depthkit.datasets.rooms.textures import Material, Surface, albedo

ROOM = -1  # the id of the room's own walls, beside the boxes' indices
SMALLEST_CASTER = 0.002  # boxes below this volume [m^3] throw no shadow
_TINY = 1e-9  # instead of a direction's zero, so that slabs divide


def render(
    scene: Scene, intrinsics: np.ndarray, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Render what a camera sees of a scene.

    Args:
        scene: the room, with the camera in it.
        intrinsics: of the camera (3, 3) [px].
        shape: (H, W) of the image.
        rng: draws exposure, vignetting and noise.

    Returns:
        The image, uint8 RGB (H, W, 3), and the depth along the optical axis, float32 (H, W) [m].
    """
    rays = camera_rays(intrinsics, shape, scene.rotation)
    depth, ids = cast(scene, rays, intrinsics)
    rays = rays.reshape(3, -1)
    # Rays have length 1 along the optical axis, so the distance along a ray is the depth.
    points = scene.eye.astype(np.float32)[:, None] + rays * depth.reshape(1, -1)
    footprint = depth.ravel() / np.float32(intrinsics[0, 0])
    colors, normals, glow = _surfaces(scene, ids.ravel(), points, footprint)
    light = _illuminate(scene, points, normals)
    radiance = colors * (light * (1 - glow) + 1.6 * glow)
    return _expose(radiance.T.reshape(*shape, 3), rng), depth


def camera_rays(intrinsics: np.ndarray, shape: tuple[int, int], rotation: np.ndarray) -> np.ndarray:
    """Return the rays (3, H, W) through the centres of the pixels in world axes, 1 along the optical axis."""
    columns = (np.arange(shape[1]) - intrinsics[0, 2]) / intrinsics[0, 0]
    rows = (np.arange(shape[0]) - intrinsics[1, 2]) / intrinsics[1, 1]
    x, y = np.meshgrid(columns, rows)
    rays = np.tensordot(rotation, np.stack([x, y, np.ones_like(x)]), axes=1)
    return np.where(np.abs(rays) < _TINY, _TINY, rays).astype(np.float32)


def cast(scene: Scene, rays: np.ndarray, intrinsics: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the first surface on each ray.

    Args:
        scene: the room.
        rays: (3, H, W), from `camera_rays`.
        intrinsics: of the camera (3, 3) [px].

    Returns:
        The distance along each ray, float32 (H, W), in units of its length; and what it hits, int (H, W): the index
        of a box, or `ROOM`.
    """
    bounds = np.where(rays > 0, scene.size[:, None, None].astype(np.float32), np.float32(0))
    eye = scene.eye.astype(np.float32)[:, None, None]
    depth = ((bounds - eye) / rays).min(axis=0)
    ids = np.full(depth.shape, ROOM, dtype=np.int16)
    for index, box in enumerate(scene.boxes):
        window = _window(box, scene, intrinsics, depth.shape)
        if window is None:
            continue
        origin = _to_local(scene.eye - box.center, box.yaw)
        near, far = _slabs(origin, _to_local(rays[(slice(None), *window)], box.yaw), box.half)
        hit = (near < far) & (near > 0) & (near < depth[window])
        depth[window][hit] = near[hit]
        ids[window][hit] = index
    return depth, ids


def _window(box: Box, scene: Scene, intrinsics: np.ndarray, shape: tuple[int, int]) -> tuple[slice, slice] | None:
    """Return the rows and columns that can show the box; None if it is out of sight."""
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, 8)
    corners = box.center[:, None] + _to_local(signs * box.half[:, None], -box.yaw)
    x, y, z = scene.rotation.T @ (corners - scene.eye[:, None])
    if (z <= 0).all():
        return None
    if (z < 0.05).any():
        return slice(0, shape[0]), slice(0, shape[1])
    columns = x / z * intrinsics[0, 0] + intrinsics[0, 2]
    rows = y / z * intrinsics[1, 1] + intrinsics[1, 2]
    top, bottom = max(0, int(rows.min())), min(shape[0], int(rows.max()) + 2)
    left, right = max(0, int(columns.min())), min(shape[1], int(columns.max()) + 2)
    return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None


def _to_local(vectors: np.ndarray, yaw: float) -> np.ndarray:
    """Turn vectors (3, ...) of the world into the frame of a box that is turned by `yaw`."""
    if yaw == 0:
        return vectors
    cosine, sine = vectors.dtype.type(np.cos(yaw)), vectors.dtype.type(np.sin(yaw))
    x, y, z = vectors
    return np.stack([cosine * x - sine * z, y, sine * x + cosine * z])


def _slabs(origin: np.ndarray, directions: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where rays enter and leave the box around 0 of half size `half`; missed when entry >= exit."""
    near = far = None
    for axis in range(3):
        inverse = 1 / np.where(np.abs(directions[axis]) < _TINY, np.float32(_TINY), directions[axis])
        middle = -origin[axis] * inverse
        reach = np.abs(inverse) * np.float32(half[axis])
        enter, leave = middle - reach, middle + reach
        near = enter if near is None else np.maximum(near, enter)
        far = leave if far is None else np.minimum(far, leave)
    return near, far


def _surfaces(
    scene: Scene, ids: np.ndarray, points: np.ndarray, footprint: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return albedo (3, P), outward normals (3, P) and the fraction of emitted light (1, P)."""
    colors = np.empty((3, ids.size), dtype=np.float32)
    normals = np.zeros((3, ids.size), dtype=np.float32)
    glow = np.zeros((1, ids.size), dtype=np.float32)
    order = np.argsort(ids, kind="stable")
    starts = np.flatnonzero(np.diff(ids[order], prepend=ROOM - 1))
    for chosen in np.split(order, starts[1:]):
        index = int(ids[chosen[0]])
        if index == ROOM:
            _room_surface(scene, chosen, points, footprint, colors, normals)
            continue
        box = scene.boxes[index]
        local = _to_local(points[:, chosen] - box.center.astype(np.float32)[:, None], box.yaw)
        outward = np.abs(local) - box.half.astype(np.float32)[:, None]
        axes = outward.argmax(axis=0)
        for axis in np.unique(axes):
            face = chosen[axes == axis]
            on_face = local[:, axes == axis]
            sign = 1.0 if on_face[axis, 0] > 0 else -1.0
            normal = np.zeros(3)
            normal[axis] = sign
            normals[:, face] = _to_local(normal, -box.yaw).astype(np.float32)[:, None]
            front = axis == 2 and sign > 0 and box.material.front is not None
            name = box.material.front if front else box.material.pattern
            colors[:, face] = _face_albedo(name, on_face, axis, box.half, footprint[face], box.material)
            if front or box.material.front is None:
                glow[:, face] = box.material.glow
    return colors, normals, glow


def _room_surface(
    scene: Scene, chosen: np.ndarray, points: np.ndarray, footprint: np.ndarray, colors: np.ndarray, normals: np.ndarray
) -> None:
    """Fill in albedo and inward normals where the room's walls, floor and ceiling are seen."""
    half = scene.size / 2
    local = points[:, chosen] - half.astype(np.float32)[:, None]
    axes = (np.abs(local) - half.astype(np.float32)[:, None]).argmax(axis=0)
    walls, floor, ceiling = scene.surfaces
    for axis in range(3):
        for sign in (-1, 1):
            on_face = (axes == axis) & (np.sign(local[axis]) == sign)
            if not on_face.any():
                continue
            material = walls if axis != 1 else floor if sign < 0 else ceiling
            face = chosen[on_face]
            normals[axis, face] = -sign
            colors[:, face] = _face_albedo(material.pattern, local[:, on_face], axis, half, footprint[face], material)


def _face_albedo(
    name: str, local: np.ndarray, axis: int, half: np.ndarray, footprint: np.ndarray, material: Material
) -> np.ndarray:
    """Return the albedo (3, P) on the face of a box that is at right angles to `axis`."""
    across, up = ((2, 1), (0, 2), (0, 1))[axis]
    u, v = local[across] + np.float32(half[across]), local[up] + np.float32(half[up])
    return albedo(name, Surface(u, v, 2 * half[across], 2 * half[up], footprint, material)).T


def _illuminate(scene: Scene, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Return the light (3, P) that falls on points: from the lamps past the boxes, and from all around."""
    hidden = np.ones(points.shape[1], dtype=np.float32)
    size = scene.size.astype(np.float32)
    for axis in range(3):
        nearest = np.minimum(points[axis], size[axis] - points[axis])
        hidden *= 1 - 0.4 * np.exp(-nearest / np.float32(0.22)) * (1 - np.abs(normals[axis]))
    upward = 0.85 + 0.15 * normals[1]
    light = scene.ambient.astype(np.float32)[:, None] * (hidden * upward)
    for lamp in scene.lights:
        toward = lamp.position.astype(np.float32)[:, None] - points
        squared = (toward * toward).sum(axis=0)
        facing = np.maximum((toward * normals).sum(axis=0), 0) / np.sqrt(squared)
        falloff = facing / (squared + np.float32(0.5))
        lit = falloff * _unshadowed(scene, lamp, points, toward, np.sqrt(squared))
        light = light + lamp.power.astype(np.float32)[:, None] * (lit * (0.5 + 0.5 * hidden))
    return light


def _unshadowed(scene: Scene, lamp: Light, points: np.ndarray, toward: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Return the fraction of a lamp that each point sees (P,).

    It is the smaller, the longer the way to the lamp runs inside a box. A lamp has a size, so shadows have soft edges;
    the length inside the box stands for the fraction of the lamp that it covers.
    """
    seen = np.ones(points.shape[1], dtype=np.float32)
    for box in scene.boxes:
        if box.material.glow or np.prod(2 * box.half) < SMALLEST_CASTER:
            continue
        origin = _to_local(points - box.center.astype(np.float32)[:, None], box.yaw)
        near, far = _slabs(origin, _to_local(toward, box.yaw), box.half)
        inside = (np.minimum(far, 1) - np.maximum(near, 0)) * distance
        opaque = np.float32(min(lamp.softness, 2 * box.half.min()))
        seen *= 1 - np.clip(inside / opaque, 0, 1)
    return seen


def _expose(radiance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the image (H, W, 3) that a camera makes of linear light: exposure, blur, noise and gamma."""
    height, width = radiance.shape[:2]
    exposure = rng.uniform(0.5, 1.0) / (np.percentile(radiance.mean(axis=2), 70) + 1e-6)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    vignette = 1 - rng.uniform(0.0, 0.18) * (x * x + y * y)
    linear = 1 - np.exp(-radiance * (exposure * vignette)[..., None])
    linear = cv2.GaussianBlur(linear.astype(np.float32), (0, 0), 0.45)
    encoded = 255 * np.clip(linear, 0, 1) ** np.float32(1 / 2.2)
    encoded += rng.normal(0, rng.uniform(0.8, 2.5), encoded.shape).astype(np.float32)
    return np.clip(np.rint(encoded), 0, 255).astype(np.uint8)
