"""`depthkit train` on the two configs that need no labels, with real images and weights."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from depthkit.models import ToSA
from helpers import CONFIGS

SMALL = ["workers=0", "batch_size=4", "max_epochs=2", "train_dataloader.dataset.indices=12",
         "val_dataloader.dataset.indices=4", "img_size=(112,112)"]  # fmt: skip


@pytest.fixture(scope="module")
def options(shared_data: Path) -> list[str]:
    return ["--device", "cpu", "--cfg-options", f"data_root={shared_data / 'imagenet' / 'val'}", *SMALL]


def scalars(folder: Path) -> list[dict]:
    lines = next(folder.glob("*/vis_data/scalars.json")).read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.slow
def test_selectors_are_distilled_then_the_model_fine_tuned_from_them(cli, options, deit_tiny_weights, tmp_path):
    first, second = tmp_path / "selector", tmp_path / "finetune"
    result = cli(
        "train", CONFIGS / "tosa_selector_tiny.py", "--out", first, *options, f"pretrained={deit_tiny_weights}"
    )
    assert result.returncode == 0, result.stderr
    measured = [line for line in scalars(first) if "kl_identity" in line]
    assert len(measured) == 2
    assert measured[-1]["kl"] < measured[-1]["kl_identity"]
    assert measured[-1]["images"] == 4 and 0 < measured[-1]["found"] <= 1
    checkpoint = next(first.glob("best_kl_*.pth"))
    selectors = ToSA(embed_dim=192, num_heads=3, num_classes=1000, pretrained=checkpoint).blocks[1].selector
    assert not torch.equal(selectors.mix.weight.squeeze(), torch.eye(3))

    result = cli(
        "train", CONFIGS / "tosa_finetune_tiny.py", "--out", second, *options,
        f"pretrained={checkpoint}", f"teacher={deit_tiny_weights}", "selection=per_head",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    lines = scalars(second)
    trained = [line for line in lines if "loss_logits" in line]
    assert {"loss_tokens", "loss_selector", "keep_rate"} <= trained[-1].keys()
    # Annealed to the mean of the pairs that select: (0.7 + 0.5 + 0.3 + 0.25 + 0.25) / 5.
    assert trained[-1]["keep_rate"] == pytest.approx(0.4)
    assert [line["images"] for line in lines if "agreement" in line] == [4, 4]
    best = next(second.glob("best_agreement_*.pth"))
    assert ToSA(embed_dim=192, num_heads=3, num_classes=1000, pretrained=best).num_classes == 1000
    shutil.rmtree(tmp_path)  # checkpoints with an optimizer are 70 MB each


def test_no_test_set_is_one_sentence(cli, options, tmp_path):
    (tmp_path / "w.pth").touch()
    result = cli("test", tmp_path / "w.pth", "--config", CONFIGS / "tosa_finetune_tiny.py")
    assert result.returncode == 2
    assert "has no test_dataloader" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("data_root=/nowhere", "/nowhere: no such folder"),
        ("hold_out_every=1000", "leaves no image for split 'val'"),
        ("teacher=none.safetensors", "none.safetensors: no such checkpoint file"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(cli, options, deit_tiny_weights, tmp_path, option, message):
    command = [CONFIGS / "tosa_finetune_tiny.py", "--out", tmp_path, *options]
    result = cli("train", *command, f"teacher={deit_tiny_weights}", option)
    assert result.returncode == 2, result.stderr
    assert message in result.stderr and "Traceback" not in result.stderr
