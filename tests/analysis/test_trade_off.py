import json
import os

import pytest

from depthkit.analysis.trade_off import read_panels
from depthkit.errors import InputError
from helpers import load_tool


def speed(variant: str, speedup: float) -> dict:
    return dict(variant=variant, speedup=speedup, height=224, width=224, batch=8)


def accuracy(selection: str, keep_rate: object, top1: float, score: str = "selector") -> dict:
    return dict(selection=selection, keep_rate=keep_rate, top1=top1, score=score)


@pytest.fixture
def files(tmp_path):
    contents = {
        "speed.json": [
            speed("timm", 1.0),
            speed("tosa_shared:0.5", 1.4),
            speed("tosa_shared:0.7", 1.2),
            speed("evit:0.7", 1.5),
            speed("tosa_shared:1,.5,.3", 1.35),
        ],
        "accuracy.json": [
            accuracy("dense", 1.0, 84.0, "-"),
            accuracy("shared", 0.5, 72.0),
            accuracy("shared", [1, 0.5, 0.3], 80.0),
            accuracy("shared", 0.5, 60.0, "random"),
        ],
    }
    for name, results in contents.items():
        (tmp_path / name).write_text(json.dumps(dict(results=results)))
    return [tmp_path / name for name in contents]


def test_the_panels_hold_what_the_files_say(files):
    fast, top1, both = read_panels(files)
    assert fast.curves == {
        "evit": [(0.7, 1.5)],
        "tosa_shared": [(0.5, 1.4), (0.7, 1.2)],
        "tosa_shared, by layer": [(pytest.approx(0.6), 1.35)],
    }
    assert fast.dense == 1.0 and fast.y_label == "speed-up, 224x224, batch 8"
    assert top1.curves == {"tosa_shared": [(0.5, 72.0)], "tosa_shared, by layer": [(pytest.approx(0.6), 80.0)]}
    assert top1.dense == 84.0
    assert both.curves == {"tosa_shared": [(1.4, 72.0)], "tosa_shared, by layer": [(1.35, 80.0)]}
    assert [panel.x_label for panel in read_panels(files[:1])] == ["keep rate"]


MALFORMED = [
    "", "[]", "null", '{"results": [{"ms": 1}]}', '{"results": []}', '{"results": {}}', '{"results": 5}', "[" * 9999,
    '{"results": [5]}', '{"results": [{"variant": 5, "speedup": 1, "height": 1, "width": 1, "batch": 1}]}',
    '{"results": [{"variant": "evit:0.5", "speedup": NaN, "height": 1, "width": 1, "batch": 1}]}',
    '{"results": [{"variant": "evit:0.5", "speedup": "1", "height": 1, "width": 1, "batch": 1}]}',
    '{"results": [{"variant": "evit:half", "speedup": 1, "height": 1, "width": 1, "batch": 1}]}',
    '{"results": [{"selection": "shared", "keep_rate": [], "score": "selector", "top1": 1}]}',
    '{"results": [{"selection": "shared", "keep_rate": [{}], "score": "selector", "top1": 1}]}',
    '{"results": [{"selection": "shared", "keep_rate": 0.5, "score": "selector", "top1": 1e999}]}',
]  # fmt: skip


@pytest.mark.parametrize("content", MALFORMED)
def test_other_files_are_refused_by_name(tmp_path, content):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(InputError, match=r"x\.json: n"):
        read_panels([tmp_path / "x.json"])
    with pytest.raises(InputError, match=r"none\.json: no such file"):
        read_panels([tmp_path / "none.json"])
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(InputError, match=r"pipe\.json: is not a regular file"):
        read_panels([tmp_path / "pipe.json"])


def test_published_variants_without_a_rate_have_no_curve(tmp_path):
    results = [speed("transformers:dpt-large", 1.0), speed("dpt-large:per_head:0.5", 1.2), speed("dpt-large:0.5", 1.3)]
    (tmp_path / "a.json").write_text(json.dumps(dict(results=results)))
    (panel,) = read_panels([tmp_path / "a.json"])
    assert panel.curves == {"dpt-large:per_head": [(0.5, 1.2)], "dpt-large": [(0.5, 1.3)]}


def test_the_tool_writes_a_picture(call_tool, files, tmp_path):
    from PIL import Image

    result = call_tool(load_tool("analysis_tools/benchmark_plot").main, *files, "--out", tmp_path / "plot.png")
    assert result.returncode == 0, result.stderr
    assert Image.open(tmp_path / "plot.png").width > 1000
