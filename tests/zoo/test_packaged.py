import json

import matplotlib.cbook
import numpy as np
import pytest

import depthkit
from depthkit import DepthPredictor
from depthkit.datasets.rooms.dataset import RoomGenerator
from depthkit.errors import InputError
from depthkit.models.weights import read_metadata
from depthkit.utils.config import config_to_plain, load_config
from depthkit.zoo import packaged
from depthkit.zoo.loading import _print_once
from depthkit.zoo.packaged import PACKAGED_MODEL, packaged_weights

IMAGE = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)


@pytest.fixture(scope="module")
def predictor():
    return DepthPredictor(packaged_weights(), device="cpu")


def test_the_file_is_small_and_says_what_it_is():
    assert packaged_weights().stat().st_size < 13e6
    info = read_metadata(packaged_weights())
    assert (info.kind, info.config_name) == ("metric", "rooms_deit_tiny")
    assert info.config == config_to_plain(load_config("rooms_deit_tiny"))
    published = info.config["published"]
    assert (published["model"], published["licence"], published["licence_note"]) == (
        PACKAGED_MODEL,
        packaged.LICENCE,
        packaged.LICENCE_NOTE,
    )


def test_rooms_it_has_not_seen_are_about_as_deep_as_it_says(predictor):
    errors = []
    for frame in map(RoomGenerator(6, (144, 192), 11, "wide").read, [{"index": index} for index in range(6)]):
        depth = predictor(frame.image, focal=frame.intrinsics[0, 0]).depth
        errors.append((np.abs(depth - frame.depth) / frame.depth).mean())
    assert np.mean(errors) < 0.4
    assert predictor(frame.image).metadata["trained_on"].startswith("generated rooms and 75")


def test_metres_follow_the_camera(predictor):
    image = RoomGenerator(1, (144, 192), 11, "wide").read({"index": 0}).image
    near, far = (predictor(image, focal=focal).depth for focal in (100.0, 300.0))
    np.testing.assert_allclose(far, 3 * near, rtol=1e-5)


def test_a_missing_file_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(depthkit, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(InputError, match="rooms-deit-tiny.safetensors: the packaged model is missing; install"):
        packaged_weights()


@pytest.mark.parametrize("named", [(), ("--model", PACKAGED_MODEL)], ids=["no option", "its name"])
def test_predict_needs_nothing_but_an_image(named, cli, predictor, tmp_path, monkeypatch):
    _print_once.cache_clear()
    monkeypatch.chdir(tmp_path)
    done = cli("predict", IMAGE, "--focal", 500, "--device", "cpu", "--json", "done.json", *named)
    assert done.returncode == 0, done.stderr
    (note,) = done.stderr.splitlines()
    assert note.startswith(f"note: {PACKAGED_MODEL} was trained on generated rooms")
    depth = np.load(tmp_path / "depthkit_out" / "grace_hopper_depth.npy")
    np.testing.assert_array_equal(depth, predictor(IMAGE, focal=500).depth)
    assert json.loads((tmp_path / "done.json").read_text())["model"] == PACKAGED_MODEL


def test_from_pretrained_without_a_name(predictor):
    image = RoomGenerator(1, (144, 192), 11, "wide").read({"index": 0}).image
    given = DepthPredictor.from_pretrained(device="cpu")
    np.testing.assert_array_equal(given(image, focal=200).depth, predictor(image, focal=200).depth)
    for setting in ({"weights": "x.pth"}, {"input_size": 200}, {"preprocessing": "transformers"}):
        with pytest.raises(InputError, match="rooms-deit-tiny: has its own weights and preprocessing; leave these"):
            DepthPredictor.from_pretrained(**setting)


def test_it_can_select_tokens(predictor):
    image = RoomGenerator(1, (144, 192), 11, "wide").read({"index": 0}).image
    all_kept = DepthPredictor.from_pretrained(device="cpu", keep_rate=1.0)
    np.testing.assert_array_equal(all_kept(image, focal=200).depth, predictor(image, focal=200).depth)
