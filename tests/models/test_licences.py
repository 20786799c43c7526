import logging

import pytest
import torch

from depthkit.models.checkpoint_info import CheckpointInfo
from depthkit.models.licences import add_licences_of_start

BASE = {"model": "big", "licence": "CC-BY-NC-4.0", "licence_note": "no commercial use"}
STUDENT = {"model": "a student of small", "licence": "Apache-2.0", "distilled_from": "small, licence Apache-2.0"}


@pytest.fixture
def checkpoint(tmp_path):
    def write(published: dict | None, name: str = "start.pth") -> str:
        config = {"model": {"type": "DepthEstimator"}} | ({} if published is None else {"published": published})
        info = CheckpointInfo.of_training(config, "x.py").to_plain()
        torch.save({"state_dict": {"w": torch.ones(2)}, "depthkit": info}, tmp_path / name)
        return str(tmp_path / name)

    return write


def test_a_training_from_weights_with_a_licence_says_which(checkpoint):
    path = checkpoint(BASE)
    expected = {
        "model": "trained from big",
        "licence": "CC-BY-NC-4.0",
        "licence_note": "no commercial use",
        "started_from": "big, licence CC-BY-NC-4.0",
    }
    for start in (
        {"load_from": path, "model": {}},
        {"model": {"pretrained": path}},
        {"model": {"backbone": {"pretrained": path}}},
    ):
        assert add_licences_of_start(start) == {**start, "published": expected}


def test_two_licences_are_joined_and_told_in_one_sentence(checkpoint, caplog):
    config = {"model": {"backbone": {"pretrained": checkpoint(BASE)}}, "published": STUDENT}
    with caplog.at_level(logging.INFO):
        published = add_licences_of_start(config)["published"]
    assert published["licence"] == "Apache-2.0 AND CC-BY-NC-4.0"
    assert (published["model"], published["distilled_from"]) == (STUDENT["model"], STUDENT["distilled_from"])
    assert published["started_from"] == "big, licence CC-BY-NC-4.0" and published["licence_note"] == "no commercial use"


def test_the_same_licence_twice_is_one(checkpoint):
    mixed = {**BASE, "licence": "Apache-2.0 AND CC-BY-NC-4.0"}
    config = {"load_from": checkpoint(mixed), "model": {"pretrained": checkpoint(BASE, "b.pth")}, "published": STUDENT}
    assert add_licences_of_start(config)["published"]["licence"] == "Apache-2.0 AND CC-BY-NC-4.0"


def test_a_resumed_training_says_what_its_checkpoint_says(checkpoint):
    published = {**STUDENT, "licence": "Apache-2.0 AND MIT", "started_from": "x, licence MIT"}
    config = {"load_from": checkpoint(published), "resume": True, "model": {}, "published": STUDENT}
    assert add_licences_of_start(config)["published"] == published
    config = {"load_from": checkpoint(None), "resume": True, "model": {}}
    assert add_licences_of_start(config) == config


def test_weights_without_a_licence_change_nothing(checkpoint, tmp_path):
    torch.save({"w": torch.ones(2)}, tmp_path / "plain.pth")
    for path in (checkpoint(None), str(tmp_path / "plain.pth"), True, None, "https://example.org/x.pth"):
        config = {"load_from": None, "model": {"backbone": {"pretrained": path}}}
        assert add_licences_of_start(config) == config
    assert add_licences_of_start({"model": "an object"}) == {"model": "an object"}
