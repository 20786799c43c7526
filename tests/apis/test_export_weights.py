"""Weights alone, as .safetensors, that predict the same."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from depthkit import DepthPredictor
from depthkit.apis.evaluate import evaluate
from depthkit.apis.export_weights import export_published, export_weights
from depthkit.errors import InputError
from depthkit.models.weights import read_metadata, read_state_dict


@pytest.fixture(scope="module")
def exported(trained_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_weights(trained_folder / "epoch_1.pth", tmp_path_factory.mktemp("out") / "model.safetensors")


def test_predictions_are_equal_bit_for_bit(trained_folder: Path, exported: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    full = DepthPredictor(trained_folder / "epoch_1.pth")
    np.testing.assert_array_equal(DepthPredictor(exported)(rgb).depth, full(rgb).depth)
    assert exported.stat().st_size < 0.4 * (trained_folder / "epoch_1.pth").stat().st_size


def test_the_averaged_weights_are_exported_as_they_are_evaluated(trained_folder: Path, exported: Path) -> None:
    content = torch.load(trained_folder / "epoch_1.pth")
    key = next(k for k in content["state_dict"] if "head" in k)
    with safe_open(exported, "pt") as file:
        weight = file.get_tensor(key)
        assert set(file.keys()) == set(content["state_dict"])
    # mmengine saves the average as the model's weights and the model's as those of the average.
    assert torch.equal(weight, content["state_dict"][key])
    assert not torch.equal(weight, content["ema_state_dict"][f"module.{key}"])
    measured = evaluate(None, exported, device="cpu").metrics
    best = read_metadata(next(trained_folder.glob("best_*.pth"))).metrics
    assert measured["abs_rel"] == pytest.approx(best["abs_rel"], rel=1e-6)


def test_it_carries_the_same_description(trained_folder: Path, exported: Path) -> None:
    assert read_metadata(exported) == read_metadata(trained_folder / "epoch_1.pth")


def test_exported_again_it_is_the_same(exported: Path, tmp_path: Path) -> None:
    again = export_weights(exported, tmp_path / "again.safetensors")
    assert read_metadata(again) == read_metadata(exported)
    first, second = read_state_dict(exported), read_state_dict(again)
    assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_a_flipped_bit_is_found(exported: Path, tmp_path: Path) -> None:
    data = bytearray(exported.read_bytes())
    data[-1000] ^= 4
    (tmp_path / "w.safetensors").write_bytes(data)
    with pytest.raises(InputError, match="w.safetensors: is damaged, its checksum is another; get the file again"):
        DepthPredictor(tmp_path / "w.safetensors")


def test_what_cannot_be_exported(best: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="x.pth: weights are exported as .safetensors"):
        export_weights(best, tmp_path / "x.pth")
    with pytest.raises(InputError, match="gone.pth: no such checkpoint"):
        export_weights(tmp_path / "gone.pth", tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file: is not a folder"):
        export_weights(best, tmp_path / "file" / "x.safetensors")


@pytest.mark.parametrize("settings", [{"selective_layers": [1]}, {"selection": "shared"}])
def test_how_to_select_without_a_keep_rate(settings: dict, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"^{next(iter(settings))}=.* give keep_rate too"):
        export_published("depth-anything-v2-small", tmp_path / "x.safetensors", tmp_path / "w.pth", **settings)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("selection", ["even", "shared"])
def test_a_published_model_that_selects_tokens_is_the_same_from_its_file(selection: str, tiny_zoo, tmp_path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    weights, out = tiny_zoo("depth-anything-v2-small"), tmp_path / "x.safetensors"
    settings = dict(keep_rate=0.5, selection=selection, selective_layers=[1, 3], input_size=112)
    made = DepthPredictor.from_pretrained("depth-anything-v2-small", weights=weights, device="cpu", **settings)
    export_published("depth-anything-v2-small", out, weights, **settings)
    again = DepthPredictor(out, device="cpu")
    assert {block.skipped for block in again.model.backbone.selective_blocks} == (
        {"similar"} if selection == "even" else {"unchanged"}
    )
    np.testing.assert_array_equal(again(rgb).values, made(rgb).values)


def test_where_the_file_goes_is_looked_at_before_the_weights_are_read():
    with pytest.raises(InputError, match="/proc/none: cannot be made or written to"):
        export_weights("none.pth", "/proc/none/a.safetensors")
