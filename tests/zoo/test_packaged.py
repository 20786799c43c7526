from pathlib import Path

import numpy as np
import pytest

import depthkit
from depthkit import DepthPredictor
from depthkit.datasets.rooms.dataset import RoomGenerator
from depthkit.errors import InputError
from depthkit.models.weights import read_metadata
from depthkit.utils.config import config_to_plain, load_config
from depthkit.zoo.packaged import PACKAGED_MODEL, packaged_weights

has_weights = pytest.mark.skipif(
    not (Path(depthkit.__file__).parent / "_weights").is_dir(), reason="this source carries no packaged model"
)


@pytest.fixture(scope="module")
def predictor():
    return DepthPredictor(packaged_weights(), device="cpu")


@has_weights
def test_the_file_is_small_and_says_what_it_is():
    assert packaged_weights().stat().st_size < 13e6
    info = read_metadata(packaged_weights())
    assert (info.kind, info.config_name) == ("metric", "rooms_deit_tiny")
    assert info.config == config_to_plain(load_config("rooms_deit_tiny"))
    assert info.config["published"]["model"] == PACKAGED_MODEL


@has_weights
def test_rooms_it_has_not_seen_are_about_as_deep_as_it_says(predictor):
    errors = []
    for frame in map(RoomGenerator(6, (144, 192), 11, "wide").read, [{"index": index} for index in range(6)]):
        depth = predictor(frame.image, focal=frame.intrinsics[0, 0]).depth
        errors.append((np.abs(depth - frame.depth) / frame.depth).mean())
    assert np.mean(errors) < 0.4
    assert predictor(frame.image).metadata["trained_on"].startswith("generated rooms and 75")


@has_weights
def test_metres_follow_the_camera(predictor):
    image = RoomGenerator(1, (144, 192), 11, "wide").read({"index": 0}).image
    near, far = (predictor(image, focal=focal).depth for focal in (100.0, 300.0))
    np.testing.assert_allclose(far, 3 * near, rtol=1e-5)


def test_a_missing_file_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(depthkit, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(InputError, match="rooms-deit-tiny.safetensors: the packaged model is missing; install"):
        packaged_weights()
