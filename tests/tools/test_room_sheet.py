"""tools/analysis_tools/room_sheet.py, on a few rooms."""

import cv2
import numpy as np
import pytest

from depthkit.datasets.rooms.dataset import RoomGenerator
from helpers import load_tool

TOOL = load_tool("analysis_tools/room_sheet").main


@pytest.fixture
def pairs(tmp_path):
    """Two folders of the same name with a flat depth each, in the layout of BTS."""
    lines = []
    for folder, depth in (("one/rgb", 1000), ("two/rgb", 3000)):
        (tmp_path / folder).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / folder / "a.jpg"), np.zeros((8, 10, 3), np.uint8))
        cv2.imwrite(str(tmp_path / folder / "a.png"), np.full((8, 10), depth, np.uint16))
        lines.append(f"{folder}/a.jpg {folder}/a.png 5.0")
    (tmp_path / "train.txt").write_text("\n".join(lines))
    return tmp_path


def test_the_sheet_and_the_table(call_tool, pairs, tmp_path):
    done = call_tool(
        TOOL, "--out", tmp_path / "new" / "sheet.png", "--rooms", 6, "--variety", "demo", "--beside", pairs
    )
    assert done.returncode == 0, done.stderr
    sheet = cv2.imread(str(tmp_path / "new" / "sheet.png"))
    assert sheet.shape == (3 * 144, 6 * 192, 3)
    room = RoomGenerator(6, (144, 192), 0).read({"index": 2}).image
    np.testing.assert_array_equal(sheet[:144, 2 * 192 : 3 * 192, ::-1], room)
    *_, wrote, header, rooms, one, two = done.stdout.splitlines()
    assert wrote.endswith("sheet.png") and header.startswith("| what | frames |")
    assert rooms.startswith("| rooms, demo | 6 | 63 to 63 |")
    assert one == "| one/rgb | 1 | 90 to 90 |" + " 1.00 |" * 7 + " 1.0 | 0.00 |"
    assert two == "| two/rgb | 1 | 90 to 90 |" + " 3.00 |" * 7 + " 1.0 | 0.00 |"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "sheet.jpg"], "--out sheet.jpg: the sheet is a PNG file; give a name that ends in .png."),
        (["--out", "sheet.png", "--beside", "nope"], "error: nope: no such folder"),
        (
            ["--out", "sheet.png", "--variety", "demo", "--textures", "a.png"],
            "textures: the variety demo has no surfaces",
        ),
        (["--out", "sheet.png", "--textures", "nope"], "error: textures: nope: no such file or folder"),
        (["--out", "sheet.png", "--rooms", "5"], "5 is not in the range x>=6"),
    ],
)
def test_bad_arguments_are_told_before_rooms_are_made(call_tool, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(RoomGenerator, "render", lambda *_: pytest.fail("a room was made"))
    cv2.imwrite("a.png", np.zeros((8, 8, 3), np.uint8))
    done = call_tool(TOOL, *arguments)
    assert done.returncode == 2 and message in done.stderr
    assert not list(tmp_path.glob("sheet*"))
