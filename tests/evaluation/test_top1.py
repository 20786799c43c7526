from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from depthkit.errors import InputError
from depthkit.evaluation.top1 import classify, imagenet_labels, load_batches, percent
from depthkit.models import DeiT


def test_the_label_is_the_place_among_all_1000_wnids():
    # The first, second and last class of ImageNet-1k: tench, goldfish and toilet tissue.
    files = [Path("val", wnid, "x.JPEG") for wnid in ("n15075141", "n01440764", "n01443537")]
    assert imagenet_labels(files).tolist() == [999, 0, 1]


def test_a_folder_that_is_no_class_is_an_error():
    with pytest.raises(InputError, match="'cats' is no class of ImageNet-1k"):
        imagenet_labels([Path("val/cats/x.JPEG")])


def test_pictures_become_batches_of_one_size(tmp_path):
    files = []
    for i, (height, width) in enumerate([(300, 400), (100, 90), (224, 224)]):
        files.append(tmp_path / f"{i}.png")
        Image.fromarray(np.full((height, width, 3), 127, np.uint8)).save(files[-1])
    batches = list(load_batches(files, 2))
    assert [batch.shape for batch in batches] == [(2, 3, 224, 224), (1, 3, 224, 224)]
    # Grey 127: (127 / 255 - mean) / deviation.
    expected = torch.tensor([(127 / 255 - m) / s for m, s in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))])
    torch.testing.assert_close(batches[0][1, :, 5, 7], expected)


def test_percent():
    assert percent(torch.tensor([True, False, False, False])) == 25


def test_the_dense_model_answers_as_timms_on_real_pictures(shared_data, deit_tiny_weights):
    from safetensors.torch import load_file

    files = sorted((shared_data / "imagenet" / "val").rglob("*.JPEG"))[::50]
    theirs = timm.create_model("deit_tiny_patch16_224").eval()
    theirs.load_state_dict(load_file(deit_tiny_weights))
    ours = DeiT(embed_dim=192, num_heads=3, num_classes=1000, pretrained=deit_tiny_weights).eval()
    batches = list(load_batches(files, 15))
    predicted = classify(ours, batches)
    assert torch.equal(predicted, classify(theirs, batches))
    assert percent(predicted == imagenet_labels(files)) > 60
