"""Reading ahead: every image once, batches of one size, few images in memory, and threads that end."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from depthkit.apis import predict_ahead
from depthkit.apis.predict_ahead import PredictAhead
from depthkit.apis.result import DepthResult
from depthkit.errors import InputError

SIZES = {"s": (6, 4), "m": (8, 4), "l": (10, 10)}


class Predictor:
    """Says which images went through the network together; the depth is the image's first red value."""

    def __init__(self):
        self.batches, self.prepared, self.focals = [], [], {}

    def prepare(self, rgb, name="", focal=None, exif=None):
        self.prepared.append(name)
        self.focals[name] = focal
        return {"inputs": torch.zeros(1, 3, *rgb.shape[:2]), "data_samples": [Path(name).stem]}, None

    def run(self, batch):
        assert len(batch["inputs"]) == len(batch["data_samples"])
        self.batches.append(batch["data_samples"])
        return batch["data_samples"]

    def make_result(self, image, camera, name):
        values = np.full(image.rgb.shape[:2], image.rgb[0, 0, 0], np.float32)
        return DepthResult(values, image.rgb, metadata={"name": name}, reduction=image.reduction)


def predict(folder: Path, names, batch_size=1, focal=None, max_pixels=10_000):
    predictor = Predictor()
    images = [folder / f"{name}.png" for name in names]
    with PredictAhead(predictor, images, focal, batch_size, max_pixels) as reader:
        outcomes = list(reader)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("depthkit-read")]
    return predictor, outcomes


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Images s0.png, m0.png and so on, of three sizes, and some that are none."""
    folder = tmp_path_factory.mktemp("images")
    for kind, size in SIZES.items():
        for number in range(8):
            Image.new("RGB", size, (10 * number + 5, 0, 0)).save(folder / f"{kind}{number}.png")
    (folder / "x0.png").write_text("not an image")
    whole = (folder / "l0.png").read_bytes()
    (folder / "x1.png").write_bytes(whole[:-30])  # its header is fine
    return folder


def test_a_group_that_cannot_be_predicted_does_not_end_the_others(folder, monkeypatch):
    run = Predictor.run

    def fail(self, batch):
        if "m0" in batch["data_samples"]:
            raise InputError("too small")
        return run(self, batch)

    monkeypatch.setattr(Predictor, "run", fail)
    _, outcomes = predict(folder, ["s0", "m0", "s1", "m1", "l0"], batch_size=2)
    failed = {place: str(outcome) for place, outcome in outcomes if isinstance(outcome, InputError)}
    assert failed == {place: f"{folder / name}.png: too small" for place, name in ((1, "m0"), (3, "m1"))}
    assert sorted(place for place, _ in outcomes) == [0, 1, 2, 3, 4]


NAMES = st.lists(st.sampled_from([f"{kind}{n}" for kind in SIZES for n in range(8)] + ["x0", "x1"]), max_size=25)


@settings(max_examples=40)
@given(NAMES, st.integers(1, 4), st.sampled_from([1, 30, 100, 32_000_000]))
def test_every_image_has_its_own_result_and_a_second_run_has_the_same_batches(folder, names, batch_size, most):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predict_ahead, "MOST_PIXELS", most)
        patch.setattr(predict_ahead, "_PIXELS_OF_BATCH", 0)
        predictor, outcomes = predict(folder, names, batch_size)
        again, _ = predict(folder, names, batch_size)
    assert sorted(place for place, _ in outcomes) == list(range(len(names)))
    if batch_size == 1:
        assert [place for place, _ in outcomes if names[place][0] != "x"] == [
            place for place, name in enumerate(names) if name[0] != "x"
        ]
    for place, outcome in outcomes:
        name = names[place]
        if name[0] == "x":
            assert isinstance(outcome, InputError) and f"{name}.png" in str(outcome)
            continue
        assert outcome.metadata == {"name": name} and outcome.reduction == 1
        assert (outcome.values == 10 * int(name[1]) + 5).all()
        assert outcome.size == SIZES[name[0]][::-1]
    assert again.batches == predictor.batches
    for batch in predictor.batches:
        assert len(batch) <= batch_size and len({name[0] for name in batch}) == 1
        assert most > 1 or len(batch) == 1  # there is room for one image alone


def test_batches_are_full_where_sizes_alternate(folder):
    names = [f"{kind}{n}" for n in range(8) for kind in "sm"]
    predictor, _ = predict(folder, names, batch_size=4)
    assert [len(batch) for batch in predictor.batches] == [4, 4, 4, 4]


def test_no_more_is_read_than_there_is_room_for(folder, monkeypatch):
    monkeypatch.setattr(predict_ahead, "count_workers", lambda: 2)
    predictor = Predictor()
    with PredictAhead(predictor, [folder / "s0.png"] * 500, None, 1, 10_000) as reader:
        for number, _ in enumerate(reader, 1):
            assert len(predictor.prepared) <= number + 3
            if number == 100:
                break
    assert len(predictor.prepared) <= 103


def test_what_fails_otherwise_ends_the_loop_and_the_threads(folder, monkeypatch):
    monkeypatch.setattr(Predictor, "run", lambda self, batch: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        predict(folder, ["s0", "s1", "s2"])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("depthkit-read")]


def test_a_large_image_is_reduced_and_its_focal_length_too(folder):
    predictor, ((_, large), (_, small)) = predict(folder, ["l3", "s3"], focal=30.0, max_pixels=30)
    assert (large.size, large.reduction) == ((5, 5), 2) and (large.values == 35).all()
    assert (small.size, small.reduction) == ((4, 6), 1)
    assert predictor.focals == {str(folder / "l3.png"): 15.0, str(folder / "s3.png"): 30.0}
