import numpy as np
import pytest

from depthkit.analysis.room_sheet import HEADER, contact_sheet, depth_row
from depthkit.datasets.rooms.dataset import RoomGenerator
from depthkit.datasets.sample import Frame
from depthkit.errors import InputError
from depthkit.utils.camera import focal_intrinsics


def test_the_sheet_shows_images_depth_and_normals():
    generator = RoomGenerator(5, (24, 32), 0, "wide")
    renderings = [generator.render(entry)[0] for entry in generator.entries()]
    sheet = contact_sheet(renderings, columns=2)
    assert sheet.shape == (2 * 3 * 24, 2 * 32, 3) and sheet.dtype == np.uint8
    np.testing.assert_array_equal(sheet[72:96, 32:], renderings[3].image)
    assert np.linalg.norm(sheet[48:72].astype(float) - 127.5, axis=-1).min() > 120  # of length 1, whatever it is


def test_the_normals_are_those_of_the_depth():
    """Against the cross product of the differences between neighbouring points, away from edges."""
    generator = RoomGenerator(1, (96, 128), 3, "wide")
    rendering, camera = generator.render({"index": 0})
    y, x = np.mgrid[:96, :128]
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ np.linalg.inv(camera).T
    points = rays * rendering.depth[..., None]
    estimated = np.cross(points[1:, :-1] - points[:-1, :-1], points[:-1, 1:] - points[:-1, :-1])
    estimated /= np.linalg.norm(estimated, axis=-1, keepdims=True)
    agree = (estimated * rendering.normals[:-1, :-1]).sum(axis=-1)
    assert (agree > 0.999).mean() > 0.7
    # What is seen faces the camera.
    assert ((rays * rendering.normals).sum(axis=-1) < 1e-4).all()


def test_a_row_by_hand():
    depth = np.full((4, 8), 2.0, np.float32)
    depth[0] = 0  # not measured
    frame = Frame(np.zeros((4, 8, 3), np.uint8), depth, focal_intrinsics(4.0, (4, 8)), "")
    row = depth_row([frame, frame])
    assert row == "| 2 | 90 to 90 | " + " | ".join(["2.00"] * 7) + " | 1.0 | 0.00 |"
    assert row.count("|") == HEADER.count("|")


def test_a_frame_without_depth_is_named():
    empty = Frame(np.zeros((4, 8, 3), np.uint8), np.zeros((4, 8), np.float32), None, "a/b.jpg")
    with pytest.raises(InputError, match="^a/b.jpg: its depth map has no measurement"):
        depth_row([empty])
