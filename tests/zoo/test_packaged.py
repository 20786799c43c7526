import configparser
import json

import matplotlib.cbook
import numpy as np
import pytest
import torch
from safetensors import safe_open

import depthkit
from depthkit import DepthPredictor
from depthkit.datasets.rooms.dataset import RoomGenerator
from depthkit.errors import InputError
from depthkit.models.checkpoint_file import CHECKSUM_KEY
from depthkit.models.weights import read_metadata
from depthkit.utils.config import config_to_plain, load_config
from depthkit.zoo import packaged
from depthkit.zoo.loading import _print_once, print_limits
from depthkit.zoo.packaged import PACKAGED_MODEL, find_packaged, packaged_weights
from depthkit.zoo.table import find_model
from helpers import REPOSITORY

IMAGE = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)


@pytest.fixture(scope="module")
def predictor():
    return DepthPredictor(packaged_weights(), device="cpu")


def test_the_file_is_small_and_says_what_it_is():
    assert packaged_weights().stat().st_size < 13e6
    info = read_metadata(packaged_weights())
    assert (info.kind, info.config_name) == ("metric", "rooms_deit_tiny")
    config = config_to_plain(load_config("rooms_deit_tiny"))
    assert "published" not in config  # another training of it is another model
    assert all(info.config[part] == config[part] for part in ("model", "test_pipeline"))
    assert info.config["published"] == packaged.PUBLISHED
    assert (packaged.PUBLISHED["model"], packaged.PUBLISHED["licence"]) == (PACKAGED_MODEL, packaged.LICENCE)


def test_the_file_carries_its_checksum_and_is_in_the_wheel():
    with safe_open(packaged_weights(), "pt") as file:
        assert CHECKSUM_KEY in file.metadata()
    setup = configparser.ConfigParser()
    setup.read(REPOSITORY / "setup.cfg")
    patterns = setup["options.package_data"]["depthkit"].split()
    assert any(packaged_weights().relative_to(REPOSITORY / "depthkit").match(pattern) for pattern in patterns)


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
    assert find_packaged() is None
    with pytest.raises(InputError, match="rooms-deit-tiny.safetensors: the packaged model is missing; install"):
        packaged_weights()


@pytest.mark.parametrize("damage", ["cut", "flipped", "pointer"])
def test_a_damaged_file_is_one_sentence(tmp_path, monkeypatch, damage):
    content = bytearray(packaged_weights().read_bytes())
    content[-5] ^= 1
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:1b65\nsize 12451954\n"
    content = {"cut": content[:100_000], "flipped": content, "pointer": pointer}[damage]
    monkeypatch.setattr(depthkit, "__file__", str(tmp_path / "__init__.py"))
    (tmp_path / "_weights").mkdir()
    (tmp_path / "_weights" / f"{PACKAGED_MODEL}.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"safetensors: the packaged model is damaged .*; install depthkit again"):
        packaged_weights()


def test_predict_needs_no_network(cli, predictor, tmp_path, monkeypatch):
    _print_once.cache_clear()
    monkeypatch.chdir(tmp_path)
    done = cli("predict", IMAGE, "--focal", 500, "--device", "cpu", "--json", "done.json", "--model", PACKAGED_MODEL)
    assert done.returncode == 0, done.stderr
    (note,) = done.stderr.splitlines()
    assert note.startswith(f"note: {PACKAGED_MODEL} was trained on generated rooms")
    depth = np.load(tmp_path / "depthkit_out" / "grace_hopper_depth.npy")
    np.testing.assert_array_equal(depth, predictor(IMAGE, focal=500).depth)
    assert json.loads((tmp_path / "done.json").read_text())["model"] == PACKAGED_MODEL


def test_from_pretrained(predictor):
    image = RoomGenerator(1, (144, 192), 11, "wide").read({"index": 0}).image
    given = DepthPredictor.from_pretrained(PACKAGED_MODEL, device="cpu")
    np.testing.assert_array_equal(given(image, focal=200).depth, predictor(image, focal=200).depth)
    for setting in ({"weights": "x.pth"}, {"input_size": 200}, {"preprocessing": "transformers"}):
        with pytest.raises(InputError, match="rooms-deit-tiny: has its own weights and preprocessing; leave these"):
            DepthPredictor.from_pretrained(PACKAGED_MODEL, **setting)


def test_it_can_select_tokens(predictor):
    image = RoomGenerator(1, (144, 192), 11, "wide").read({"index": 0}).image
    all_kept = DepthPredictor.from_pretrained(PACKAGED_MODEL, device="cpu", keep_rate=1.0)
    np.testing.assert_array_equal(all_kept(image, focal=200).depth, predictor(image, focal=200).depth)


def test_the_network_alone(predictor):
    images = torch.rand(1, 3, 144, 192, generator=torch.Generator().manual_seed(0))
    model = depthkit.create_model(PACKAGED_MODEL, pretrained=True)
    with torch.inference_mode():
        assert torch.equal(model(images), predictor.model(images))
        assert model(images).shape == (1, 1, 144, 192)
    state, random = model.state_dict(), depthkit.create_model(PACKAGED_MODEL).state_dict()
    assert state.keys() == random.keys() and not all(torch.equal(state[key], random[key]) for key in state)
    with pytest.raises(InputError, match="pretrained='x.pth': rooms-deit-tiny has its own weights"):
        depthkit.create_model(PACKAGED_MODEL, pretrained="x.pth")
    with pytest.raises(InputError, match="rooms-deit-tiny: comes with depthkit as a file"):
        find_model(PACKAGED_MODEL)


@pytest.mark.parametrize("command", ["predict", "evaluate-selection"])
def test_its_input_size_cannot_be_changed(cli, command):
    images = (IMAGE,) if command == "predict" else ("--images", IMAGE)
    done = cli(command, *images, "--model", PACKAGED_MODEL, "--input-size", 300)
    assert done.returncode == 2
    assert "--input-size: rooms-deit-tiny has its own, which cannot be changed; leave it out." in done.stderr


@pytest.mark.parametrize(
    ("licence", "free"),
    [("Apache-2.0 AND MIT", True), ("MIT", True), ("Apache-2.0 AND CC-BY-NC-4.0", False), ("unresolved", False)],
)
def test_only_unfree_licences_are_told(capsys, licence, free):
    _print_once.cache_clear()
    print_limits({"model": "mine", "licence": licence})
    assert bool(capsys.readouterr().err) != free


def test_the_report_on_selection_names_it(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("depthkit.analysis.selection_evaluation.evaluate_selection", lambda *_: {"skipped": []})
    args = ("--images", IMAGE, "--model", PACKAGED_MODEL, "--device", "cpu", "--json", tmp_path / "r.json")
    done = cli("evaluate-selection", *args)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "r.json").read_text())["model"] == PACKAGED_MODEL
