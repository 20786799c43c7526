"""Render a scene as an image and its exact depth, by casting one ray through the centre of each pixel."""

from typing import NamedTuple

import cv2
import numpy as np

from depthkit.datasets.rooms.furniture import Box, to_local
from depthkit.datasets.rooms.lighting import illuminate
from depthkit.datasets.rooms.patterns import albedo
from depthkit.datasets.rooms.scene import Scene
from depthkit.datasets.rooms.shapes import TINY, cross, round_surface
from depthkit.datasets.rooms.textures import Material, Surface

ROOM = -1  # the id of the room's own walls, beside the boxes' indices
NEAR = 0.05  # [m]; what comes nearer to the camera may be anywhere in the image


class Rendering(NamedTuple):
    """What a camera sees of a scene.

    Attributes:
        image: uint8 RGB (H, W, 3).
        depth: along the optical axis, float32 (H, W) [m].
        normals: of the surfaces, towards the side that is seen, float32 (H, W, 3), in the camera's axes right, down
            and forward.
    """

    image: np.ndarray
    depth: np.ndarray
    normals: np.ndarray


def render(scene: Scene, intrinsics: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> Rendering:
    """Render what a camera sees of a scene.

    Args:
        scene: the room, with the camera in it.
        intrinsics: of the camera (3, 3) [px].
        shape: (H, W) of the image.
        rng: draws exposure, vignetting and noise.
    """
    rays = camera_rays(intrinsics, shape, scene.rotation)
    depth, ids = cast(scene, rays, intrinsics)
    rays = rays.reshape(3, -1)
    # Rays have length 1 along the optical axis, so the distance along a ray is the depth.
    points = scene.eye.astype(np.float32)[:, None] + rays * depth.reshape(1, -1)
    footprint = depth.ravel() / np.float32(intrinsics[0, 0])
    colors, normals, glow = _surfaces(scene, ids.ravel(), points, footprint)
    light = illuminate(scene, points, normals, shape)
    radiance = colors * (light * (1 - glow) + 1.6 * glow)
    seen = (scene.rotation.T.astype(np.float32) @ normals).T.reshape(*shape, 3)
    return Rendering(_expose(radiance.T.reshape(*shape, 3), rng), depth, seen)


def camera_rays(intrinsics: np.ndarray, shape: tuple[int, int], rotation: np.ndarray) -> np.ndarray:
    """Return the rays (3, H, W) through the centres of the pixels in world axes, 1 along the optical axis."""
    columns = (np.arange(shape[1]) - intrinsics[0, 2]) / intrinsics[0, 0]
    rows = (np.arange(shape[0]) - intrinsics[1, 2]) / intrinsics[1, 1]
    x, y = np.meshgrid(columns, rows)
    rays = np.tensordot(rotation, np.stack([x, y, np.ones_like(x)]), axes=1)
    return np.where(np.abs(rays) < TINY, TINY, rays).astype(np.float32)


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
    for index, box, window in _windows(scene, intrinsics, depth.shape):
        origin = to_local(scene.eye - box.center, box.yaw)
        near, far = cross(box.shape, origin, to_local(rays[(slice(None), *window)], box.yaw), box.half)
        hit = (near < far) & (near > 0) & (near < depth[window])
        depth[window][hit] = near[hit]
        ids[window][hit] = index
    return depth, ids


def _windows(
    scene: Scene, intrinsics: np.ndarray, shape: tuple[int, int]
) -> list[tuple[int, Box, tuple[slice, slice]]]:
    """Return (index, box, the rows and columns that can show it) of the boxes that may be in sight."""
    if not scene.boxes:
        return []
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, 8)
    corners = np.stack([box.center[:, None] + to_local(signs * box.half[:, None], -box.yaw) for box in scene.boxes])
    x, y, z = np.moveaxis(scene.rotation.T @ (corners - scene.eye[:, None]), 1, 0)  # (boxes, 8)
    before = z >= NEAR
    z = np.maximum(z, NEAR)
    columns = x / z * intrinsics[0, 0] + intrinsics[0, 2]
    rows = y / z * intrinsics[1, 1] + intrinsics[1, 2]
    found = []
    for index, box in enumerate(scene.boxes):
        if before[index].all():
            top, bottom = max(0, int(rows[index].min())), min(shape[0], int(rows[index].max()) + 2)
            left, right = max(0, int(columns[index].min())), min(shape[1], int(columns[index].max()) + 2)
        else:
            top, bottom, left, right = (0, shape[0], 0, shape[1]) if before[index].any() else (0, 0, 0, 0)
        if top < bottom and left < right:
            found.append((index, box, (slice(top, bottom), slice(left, right))))
    return found


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
        local = to_local(points[:, chosen] - box.center.astype(np.float32)[:, None], box.yaw)
        if box.shape != "box":
            outward, u, v = round_surface(box.shape, local, box.half)
            normals[:, chosen] = to_local(outward, -box.yaw)
            around, height = 2 * np.pi * box.half[[0, 2]].mean(), 2 * box.half[1]
            surface = Surface(u, v, around, height, footprint[chosen], box.material)
            colors[:, chosen] = albedo(box.material.pattern, surface).T
            glow[:, chosen] = box.material.glow
            continue
        outward = np.abs(local) - box.half.astype(np.float32)[:, None]
        axes = outward.argmax(axis=0)
        for axis in np.unique(axes):
            face = chosen[axes == axis]
            on_face = local[:, axes == axis]
            sign = 1.0 if on_face[axis, 0] > 0 else -1.0
            normal = np.zeros(3)
            normal[axis] = sign
            normals[:, face] = to_local(normal, -box.yaw).astype(np.float32)[:, None]
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
