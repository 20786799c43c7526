import numpy as np
import pytest
import torch
from PIL import Image
from timm.data import create_transform

from depthkit.analysis.top1 import classify, load_batches, percent
from depthkit.datasets import ImageNet
from depthkit.models import DeiT

PIPELINE = [dict(type="TimmTransform"), dict(type="PackClassInputs")]


def test_pictures_become_batches_and_broken_ones_are_left_out(tmp_path):
    (tmp_path / "n01440764").mkdir()
    for i, (height, width) in enumerate([(300, 400), (100, 90), (224, 224)]):
        Image.fromarray(np.full((height, width, 3), 127, np.uint8)).save(tmp_path / "n01440764" / f"{i}.png")
    (tmp_path / "n01440764" / "0.png").write_bytes(b"nothing")
    batches = list(load_batches(ImageNet(tmp_path, pipeline=PIPELINE, test_mode=True), 2))
    assert [(images.shape, labels.tolist()) for images, labels in batches] == [((1, 3, 224, 224), [0])] * 2
    # Grey 127: (127 / 255 - mean) / std.
    expected = torch.tensor([(127 / 255 - m) / s for m, s in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))])
    torch.testing.assert_close(batches[0][0][0, :, 5, 7], expected)


def test_percent():
    assert percent(torch.tensor([True, False, False, False])) == 25


@pytest.mark.slow
def test_the_dense_model_answers_as_timms_on_real_pictures(shared_data, deit_tiny_weights, timm_deit_tiny):
    dataset = ImageNet(
        shared_data / "imagenet" / "val", pipeline=PIPELINE, test_mode=True, indices=list(range(0, 750, 50))
    )
    transform = create_transform(224, interpolation="bicubic", crop_pct=0.875)
    files = [dataset.get_data_info(i)["img_path"] for i in range(len(dataset))]
    wanted = torch.stack([transform(Image.open(file).convert("RGB")) for file in files])
    ((images, labels),) = load_batches(dataset, 15)
    torch.testing.assert_close(images, wanted)
    ours = DeiT(embed_dim=192, num_heads=3, num_classes=1000, pretrained=deit_tiny_weights).eval()
    predicted = classify(ours, [images])
    assert torch.equal(predicted, classify(timm_deit_tiny, [wanted]))
    assert percent(predicted == labels) > 60
