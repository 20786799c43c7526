"""Pairs for the tests of NYU Depth V2: real ones where they are at hand."""

import numpy as np
import pytest

from depthkit.datasets.rooms.dataset import RoomGenerator
from depthkit.utils.io import read_depth, read_rgb


@pytest.fixture(scope="package")
def pairs(request):
    """Six pairs (image, depth [m]) of 640x480: real ones when they are there, else generated rooms."""
    try:
        root = request.getfixturevalue("rgbd_root")
    except pytest.skip.Exception:
        rooms = [RoomGenerator(6, (480, 640), 1).read({"index": index}) for index in range(6)]
        return [(room.image, room.depth) for room in rooms]
    lines = [line.split() for line in (root / "test.txt").read_text().splitlines()]
    lines = [line for line in lines if "office" not in line[0]]  # of another size
    chosen = [lines[round(place)] for place in np.linspace(0, len(lines) - 1, 6)]
    return [(read_rgb(root / rgb), read_depth(root / depth)) for rgb, depth, _ in chosen]
