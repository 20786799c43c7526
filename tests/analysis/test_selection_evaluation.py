"""What token selection changes in depth, on models that are small and untrained."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from depthkit.analysis.selection_evaluation import evaluate_selection
from depthkit.apis.predictor import DepthPredictor
from depthkit.errors import InputError
from depthkit.registry import MODELS, depthkit_scope


def make_predictor(folder: Path, backbone: str = "DeiT", output: str = "depth", **head) -> DepthPredictor:
    model = dict(
        type="DepthEstimator",
        data_preprocessor=dict(type="SegDataPreProcessor", mean=[124] * 3, std=[58] * 3, bgr_to_rgb=False),
        backbone=dict(type=backbone, img_size=64, embed_dim=48, depth=6, num_heads=3, out_indices=(2, 5)),
        decode_head=dict(type="DPTHead", in_channels=(48, 48), channels=8, scales=(4, 2), **head),
        output=output,
    )
    with depthkit_scope():
        torch.manual_seed(0)
        built = MODELS.build(model)
    for block in built.backbone.blocks:
        torch.nn.init.normal_(block.attn.qkv.weight, std=0.3)
    torch.save(built.state_dict(), folder / "w.pth")
    config = Config(dict(model=model, test_pipeline=[dict(type="PackDepthInputs")]))
    return DepthPredictor(config, folder / "w.pth", "cpu")


@pytest.fixture
def images(tmp_path) -> list[Path]:
    draw = np.random.default_rng(0)
    files = [tmp_path / f"{i}.png" for i in range(3)]
    for i, file in enumerate(files):
        coarse = draw.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((96, 80 if i else 64), Image.Resampling.BICUBIC).save(file)
    return files


@pytest.mark.parametrize(
    ("output", "head"),
    [("depth", {}), ("disparity", {}), ("relative_depth", dict(activation="exp"))],
)
def test_the_table_of_a_dense_model(output, head, images, tmp_path, capsys):
    predictor = make_predictor(tmp_path, output=output, **head)
    report = evaluate_selection(predictor, images, [0.5, (0.3, 0.6)], None, None)
    assert report["images"] == 3 and report["skipped"] == 0 and report["notes"] == []
    assert report["selective_layers"] == (1, 4) and report["selection"] == "shared"
    results = report["results"]
    assert [one["kind"] for one in results] == ["dense", "selection", *["selection", "random", "smaller"] * 2]
    assert [one["keep_rate"] for one in results] == [None, 1.0, *[0.5] * 3, *[(0.3, 0.6)] * 3]
    for one in results[:2]:
        assert one["size"] == {"mean": pytest.approx(0, abs=1e-12), "error": pytest.approx(0, abs=1e-12)}
        assert one["close"]["mean"] == 1 and one["macs"] == results[0]["macs"]
    assert all(one["size"]["mean"] > 0 and one["macs"] < results[0]["macs"] for one in results[2:])
    assert results[0]["time_ratio"] == {"mean": 1, "error": 0}
    assert results[0]["inputs"] == {"64x96": 1, "80x96": 2}
    assert all(sum(one["inputs"].values()) == 3 for one in results)
    printed = capsys.readouterr().out
    for one in results:
        assert one["name"] in printed
    assert "network input 64x96, 80x96" in printed and "layers 1,4 of 6, shared" in printed
    assert ("in % of the dense depth" in printed) == (output == "depth")


def test_a_dense_model_with_keep_rate_one_differs_by_exactly_nothing_in_metres(images, tmp_path):
    report = evaluate_selection(make_predictor(tmp_path), images[:1], [0.5], "per_head", [3])
    assert report["results"][1]["size"] == {"mean": 0.0, "error": None}
    assert report["selection"] == "per_head" and report["selective_layers"] == (3,)


def test_a_tosa_is_compared_with_itself_at_keep_rate_one(images, tmp_path):
    predictor = make_predictor(tmp_path, "ToSA")
    report = evaluate_selection(predictor, images, [0.5], None, None)
    assert report["selective_layers"] == (1, 3, 5) and report["selection"] == "per_head"
    assert report["results"][1]["size"]["mean"] == 0.0 < report["results"][2]["size"]["mean"]
    assert predictor.model.backbone.keep_rate == (0.5,) * 3


def test_images_that_cannot_be_read_are_named_and_counted(images, tmp_path, capsys):
    broken = tmp_path / "broken.png"
    broken.write_bytes(images[0].read_bytes()[:100])
    predictor = make_predictor(tmp_path)
    report = evaluate_selection(predictor, [broken, images[0]], [0.5], None, None)
    assert (report["images"], report["skipped"]) == (1, 1)
    printed = capsys.readouterr()
    assert f"error: {broken}" in printed.err and "1 images, 1 that cannot be read left out" in printed.out
    with pytest.raises(InputError, match="nor can any other of 1 images"):
        evaluate_selection(predictor, [broken], [0.5], None, None)


def test_a_model_that_says_the_same_everywhere_is_named(images, tmp_path):
    predictor = make_predictor(tmp_path, output="disparity", activation="relu")
    torch.nn.init.constant_(predictor.model.decode_head.head[-1].bias, -1e6)
    with pytest.raises(InputError, match=r"0.png: the dense model gives the same value everywhere"):
        evaluate_selection(predictor, images, [0.5], None, None)


def test_evit_has_no_such_form(images, tmp_path):
    with pytest.raises(InputError, match="EViT has no token selective form"):
        evaluate_selection(make_predictor(tmp_path, "EViT"), images, [0.5], None, None)


def test_an_input_of_few_patches_is_noted(images, tmp_path, capsys):
    predictor = make_predictor(tmp_path)
    for file, size in zip(images, ((14, 15), (40, 30), (96, 80)), strict=True):  # 1, 6 and 30 patches of 16 px
        Image.open(file).resize(size).save(file)
    report = evaluate_selection(predictor, images, [1.0, 0.5, 0.95], None, None)
    assert report["notes"] == [
        "keep rate 0.5: no smaller input to compare with; the first image is one patch high or wide",
        "keep rate 0.95: no smaller input to compare with; the first image is one patch high or wide",
        "keep rate 0.5: leaves no patch out of an input of 15x14 px, so nothing is measured there; use a larger input "
        "or a lower rate",
        "keep rate 0.95: leaves no patch out of an input of 15x14, 30x40 px, so nothing is measured there; use a "
        "larger input or a lower rate",
    ]
    assert capsys.readouterr().err.splitlines() == [f"note: {note}" for note in report["notes"]]
    (half,) = (one for one in report["results"] if one["kind"] == "selection" and one["keep_rate"] == 0.5)
    assert half["size"]["mean"] > 0
