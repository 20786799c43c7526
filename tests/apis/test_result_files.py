"""Which files are written, and what they are called."""

import pytest

from depthkit.apis.result_files import OUTPUTS, choose_outputs, output_paths
from depthkit.errors import InputError


@pytest.mark.parametrize(
    ("outputs", "kind", "chosen"),
    [
        (None, "metric", ("colored", "depth", "npy")),
        ((), "relative", ("colored", "disparity", "npy")),
        (("exr", "colored"), "metric", ("colored", "exr")),
        (("+points",), "metric", ("colored", "depth", "npy", "points")),
        (("disparity", "+points"), "relative", ("disparity", "points")),
        (("npy", "npy"), "metric", ("npy",)),
    ],
)
def test_names_replace_the_default_and_plus_adds_to_it(outputs, kind, chosen, monkeypatch):
    monkeypatch.setattr("depthkit.apis.result_files.check_float_format", lambda name: None)
    assert choose_outputs(outputs, kind) == chosen
    assert choose_outputs(chosen, kind) == chosen


def test_every_output_has_a_name_of_its_own(monkeypatch):
    for check in ("check_float_format", "check_glb"):
        monkeypatch.setattr(f"depthkit.apis.result_files.{check}", lambda *args: None)
    paths = output_paths("out", "a", "metric", OUTPUTS)
    assert len(paths) == len(set(paths.values())) == len(OUTPUTS)
    assert paths["depth_npy"].as_posix() == "out/a_depth.npy"
    relative = output_paths("out", "a", "relative", ("disparity", "npy"))
    assert {name: path.name for name, path in relative.items()} == {
        "disparity_png": "a_disparity.png",
        "disparity_npy": "a_disparity.npy",
    }


def test_a_relative_result_has_no_metres():
    with pytest.raises(InputError, match="output 'depth': is in metres, but this model's results are relative"):
        choose_outputs(["+depth"], "relative")
