"""Published models on the command line: predicted by name, made into a checkpoint, and refused in one sentence."""

import hashlib
import json

import matplotlib.cbook
import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open

from depthkit.apis.predictor import DepthPredictor
from depthkit.datasets.rooms.dataset import RoomGenerator
from depthkit.models.weights import read_metadata
from depthkit.utils.io import read_depth, write_depth_png, write_rgb
from depthkit.zoo.loading import _print_once
from depthkit.zoo.table import find_model
from helpers import run_python

CPU = ("--device", "cpu")
IMAGE = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
RELATIVE = "depth-anything-v2-small"
METRIC = "depth-anything-v2-metric-indoor-base"


@pytest.fixture(autouse=True)
def nothing_said_yet() -> None:
    _print_once.cache_clear()


def test_a_model_by_name_with_a_file(cli, tiny_zoo, tmp_path):
    options = ("--weights", tiny_zoo(RELATIVE), "--input-size", 126, "--json", tmp_path / "done.json", *CPU)
    done = cli("predict", IMAGE, "--model", RELATIVE, *options, "--out", tmp_path / "out")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"grace_hopper_{kind}" for kind in ("colored.png", "disparity.png", "disparity.npy")
    }
    content = json.loads((tmp_path / "done.json").read_text())
    (image,) = content["images"]
    assert (content["model"], image["kind"], image["metadata"]["licence"]) == (RELATIVE, "relative", "Apache-2.0")


def test_a_licence_is_told_and_the_file_comes_from_the_hub(cli, tiny_zoo, hub, hub_cache, tmp_path):
    hub.content = tiny_zoo(METRIC).read_bytes()
    hub.etag = hashlib.sha256(hub.content).hexdigest()
    done = cli("predict", IMAGE, "--model", METRIC, "--input-size", 126, "--out", tmp_path / "out", *CPU)
    assert done.returncode == 0, done.stderr
    notes = [line for line in done.stderr.splitlines() if "licence" in line]
    assert len(notes) == 1 and f"note: {METRIC}: the licence of these weights is unresolved (cards said" in notes[0]
    depth = np.load(tmp_path / "out" / "grace_hopper_depth.npy")
    assert 0 < depth.min() < depth.max() < 20
    assert [method for method, _, _ in hub.requests].count("GET") == 1
    assert str(hub_cache) in cli("models", METRIC).stdout


@pytest.mark.parametrize("settings", [(), ("--keep-rate", "0.5", "--selective-layers", "1,3")])
@pytest.mark.parametrize("name", [RELATIVE, METRIC, "da3metric-large", "dpt-large"])
def test_exported_weights_predict_the_same(cli, tiny_zoo, name, settings, tmp_path):
    path = tiny_zoo(name)
    out = tmp_path / "model.safetensors"
    size = ("--input-size", 96)
    done = cli("export-weights", "--model", name, path, "--out", out, *size, *settings)
    assert done.returncode == 0, done.stderr
    for folder, given in (("a", ("--weights", out)), ("b", ("--model", name, "--weights", path, *size, *settings))):
        done = cli("predict", IMAGE, *given, "--out", tmp_path / folder, *CPU)
        assert done.returncode == 0, done.stderr
    (first, second) = (np.load(next((tmp_path / folder).glob("*.npy"))) for folder in "ab")
    np.testing.assert_array_equal(first, second)
    with safe_open(out, "pt") as file:
        about = json.loads(file.metadata()["depthkit"])
    assert about["config_name"] == name and about["kind"] == find_model(name).kind
    assert about["config"]["published"]["licence"] == find_model(name).licence
    assert about["config"]["published"]["source"] == path.name
    selecting = {"keep_rate": "0.5", "selection": "shared", "selective_layers": "1,3"} if settings else {}
    metadata = DepthPredictor(out, device="cpu").metadata
    assert metadata.items() >= selecting.items() and ("keep_rate" in metadata) == bool(settings)


@pytest.mark.slow
def test_exported_weights_are_a_checkpoint_for_all_commands(cli, tiny_zoo, tmp_path):
    dense, selective = tmp_path / "dense.safetensors", tmp_path / "tosa.safetensors"
    model = ("--model", RELATIVE, tiny_zoo(RELATIVE), "--input-size", 126)
    assert cli("export-weights", *model, "--out", dense).returncode == 0
    done = cli("export-weights", *model, "--out", selective, "--keep-rate", 0.5)
    assert done.returncode == 2 and "name some as selective_layers" in done.stderr  # every layer is tapped
    layers = ("--selective-layers", "1,3")
    assert cli("export-weights", *model, "--out", selective, "--keep-rate", 0.5, *layers).returncode == 0
    done = cli("tokens", IMAGE, "--weights", selective, "--layers", "all", "--out", tmp_path / "tokens", *CPU)
    assert done.returncode == 0, done.stderr
    text = Image.open(tmp_path / "tokens" / "grace_hopper_tokens.png").text
    assert text.items() >= {"model": RELATIVE, "licence": "Apache-2.0", "keep_rate": "0.5"}.items()
    again = tmp_path / "again.safetensors"
    assert cli("export-weights", dense, "--out", again).returncode == 0
    assert read_metadata(again) == read_metadata(dense)
    done = cli("export", dense, "--out", tmp_path / "model.onnx", "--json", tmp_path / "model.json")
    assert done.returncode == 0, done.stderr
    assert "output: disparity\n" in done.stdout and "licence: Apache-2.0\n" in done.stdout
    assert "tolerance of 0.001 of the range, mean error\n" in done.stdout and " m," not in done.stdout
    about = json.loads((tmp_path / "model.json").read_text())
    assert about["unit"] == "of the range" and about["metadata"]["output"] == "disparity"
    assert about["metadata"].items() >= DepthPredictor(dense, device="cpu").metadata.items()


def test_an_exported_model_is_evaluated_on_nyu(cli, tiny_zoo, tmp_path, monkeypatch):
    """As one that was trained here; the focal lengths of the data set count."""
    monkeypatch.chdir(tmp_path)
    nyu = tmp_path / "data" / "nyu"
    nyu.mkdir(parents=True)
    room = RoomGenerator(1, (480, 640), 1).read({"index": 0})
    write_rgb(nyu / "a.png", room.image)
    write_depth_png(nyu / "a_depth.png", room.depth)
    (nyu / "test.txt").write_text("a.png a_depth.png 518.8579\n")
    weights = tiny_zoo(METRIC)
    assert cli("export-weights", "--model", METRIC, weights, "--input-size", 126).returncode == 0
    done = cli("test", f"{METRIC}.safetensors", "--json", "result.json", "--save-dir", "depth", *CPU)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["images"] == 1 and 0 < result["metrics"]["abs_rel"] < 100
    predictor = DepthPredictor.from_pretrained(METRIC, weights, input_size=126, device="cpu")
    saved = read_depth(next((tmp_path / "depth").glob("*.png")))
    # Here the focal length counts at the network's input, 168 px wide; there at the size of the training's images.
    expected = predictor(nyu / "a.png", focal=518.8579).depth * (168 / 640) / (518 / 480)
    np.testing.assert_allclose(saved, expected, atol=6e-4)


def test_an_exported_model_without_its_data(cli, tiny_zoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = ((METRIC, f"{METRIC}.safetensors: {METRIC}: test_"), (RELATIVE, "its config names no test data"))
    for name, expected in runs:
        done = cli("export-weights", "--model", name, "--weights", tiny_zoo(name))
        assert done.returncode == 0, done.stderr
        done = cli("test", f"{name}.safetensors", *CPU)
        assert done.returncode == 2 and expected in done.stderr and done.stderr.count("\n") <= 2, done.stderr


def test_bad_input_is_one_sentence(cli, tiny_zoo, hub, tmp_path):
    path = tiny_zoo(RELATIVE)
    (tmp_path / "half.pth").write_bytes(path.read_bytes()[:-100])
    hub.status, hub.error_code = 404, "RepoNotFound"
    runs = {
        "did you mean depth-anything-v2-small": ["--model", "depth-anything-v2-smal"],
        "none.pth: no such file; expected depth_anything_v2_vits.pth": ["--model", RELATIVE, "--weights", "none.pth"],
        f"{tmp_path}: is not a regular file; expected": ["--model", RELATIVE, "--weights", tmp_path],
        "half.pth: not a checkpoint, or one that is damaged": ["--model", RELATIVE, "--weights", tmp_path / "half.pth"],
        "depth-anything-v2-small.pth: ": ["--model", "dpt-large", "--weights", path],
        "depth-anything-v2-small.pth: looks like": ["--model", "depth-anything-v2-large", "--weights", path],
        "any more (HTTP 404)": ["--model", RELATIVE],
        "5000 is not in the range 1<=x<=4096": ["--model", RELATIVE, "--weights", path, "--input-size", 5000],
        "da3mono-large: transformers does not": [
            "--model", "da3mono-large", "--weights", path, "--preprocessing", "transformers",
        ],
        "--focal": ["--model", RELATIVE, "--weights", path, "--focal", 0],
        "relative": ["--model", RELATIVE, "--weights", path, "--range", 0, 5],
    }  # fmt: skip
    tiny_zoo("dpt-large")
    for expected, options in runs.items():
        done = cli("predict", IMAGE, *options, "--out", tmp_path / "out", *CPU)
        assert done.returncode == 2, (expected, done.stderr)
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, done.stderr
        assert expected.strip("-") in done.stderr
    assert not (tmp_path / "out").exists()
    # What is wrong is told before anything is downloaded.
    hub.requests.clear()
    done = cli("predict", IMAGE, "--model", "da3mono-large", "--preprocessing", "transformers", *CPU)
    assert done.returncode == 2 and not hub.requests
    done = cli("export-weights", "--model", RELATIVE, path, "--out", tmp_path / "x.pth")
    assert done.returncode == 2 and "are exported as .safetensors" in done.stderr
    assert cli("export-weights", "x.pth", "--input-size", 9).stderr.startswith("error: --input-size: is for published")


def test_cheap_mistakes_are_told_before_torch_is_imported(tmp_path):
    other = tmp_path / find_model("depth-anything-v2-base").file
    other.touch()
    runs = {
        "the results of depth-anything-v2-small are relative": ["--model", RELATIVE, "--range", 0, 5],
        "has the name of the file of depth-anything-v2-base": ["--model", RELATIVE, "--weights", other],
        "none.pth: no such checkpoint file": ["--weights", "none.pth"],
    }
    for expected, options in runs.items():
        done = run_python("-X", "importtime", "-m", "depthkit.cli.main", "predict", IMAGE, *options)
        assert done.returncode == 2 and expected in done.stderr and "| torch\n" not in done.stderr
