import json

import matplotlib.cbook
import numpy as np

from depthkit.models.weights import read_metadata
from depthkit.zoo.packaged import PACKAGED_MODEL, packaged_weights


def test_the_weights_alone_predict_the_same(cli, checkpoint_with_config, tmp_path):
    out = tmp_path / "model.safetensors"
    listing = tmp_path / "made.json"
    done = cli("export-weights", "--weights", checkpoint_with_config, "--out", out, "--json", listing)
    assert done.returncode == 0, done.stderr
    assert json.loads(listing.read_text())["file"] == str(out)
    assert done.stdout.startswith(f"{out}: ")
    image = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    for name, weights in (("a", checkpoint_with_config), ("b", out)):
        done = cli("predict", image, "--weights", weights, "--out", tmp_path / name, "--device", "cpu")
        assert done.returncode == 0, done.stderr
    first, second = (np.load(tmp_path / name / "grace_hopper_depth.npy") for name in "ab")
    np.testing.assert_array_equal(first, second)


def test_bad_input_is_one_sentence(cli, tmp_path):
    done = cli("export-weights", "none.pth", "--out", tmp_path / "m.safetensors")
    assert done.returncode == 2 and "none.pth: no such checkpoint file" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_model_that_comes_with_depthkit(cli, tmp_path):
    out = tmp_path / "own.safetensors"
    done = cli("export-weights", "--model", PACKAGED_MODEL, "--out", out)
    assert done.returncode == 0, done.stderr
    assert read_metadata(out) == read_metadata(packaged_weights())
    done = cli("export-weights", "--model", PACKAGED_MODEL, "--keep-rate", "0.5", "--out", tmp_path / "b.safetensors")
    assert done.returncode == 2 and "--keep-rate: rooms-deit-tiny has its own, which cannot be changed" in done.stderr
