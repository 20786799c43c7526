"""tools/analysis_tools/loading_speed.py, on generated rooms."""

import re

from helpers import TINY_ROOMS, load_tool

TOOL = load_tool("analysis_tools/loading_speed").main


def test_images_per_second_of_generated_rooms(call_tool, tmp_path):
    (tmp_path / "tiny_rooms.py").write_text(TINY_ROOMS)
    done = call_tool(TOOL, tmp_path / "tiny_rooms.py", "--samples", 2)
    assert done.returncode == 0, done.stderr
    found = re.search(r"2 samples: ([\d.]+) images/s in one process \(([\d.]+) ms reading, ([\d.]+) ms", done.stdout)
    assert found and 1000 / float(found[1]) <= 1.1 * (float(found[2]) + float(found[3])) + 1
    assert re.search(r"\na batch of \d+ every [\d.]+ s with \d+ process", done.stdout)
