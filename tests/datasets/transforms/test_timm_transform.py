import numpy as np
import pytest
import torch
from PIL import Image
from timm.data import create_transform

from depthkit.datasets import make_sample
from depthkit.datasets.transforms import TimmTransform
from depthkit.errors import InputError

IMAGE = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)


@pytest.mark.parametrize(("size", "resized"), [(224, 256), (288, 329)])
def test_evaluation_is_timms_to_the_bit_and_says_what_it_does(size, resized):
    transform = TimmTransform(size)
    result = transform(make_sample(IMAGE, "x"))
    expected = create_transform(size, interpolation="bicubic", crop_pct=0.875)(Image.fromarray(IMAGE))
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    ours = (torch.from_numpy(result["img"]).permute(2, 0, 1) / 255 - mean) / std
    torch.testing.assert_close(ours, expected)
    assert result["img_shape"] == (size, size) and result["img"].dtype == np.uint8
    assert f"resize to {resized} px (shorter side, bicubic" in transform.description
    assert f"centre crop {size} px" in transform.description


def test_training_draws_other_views():
    transform = TimmTransform(48, is_training=True, auto_augment="rand-m9-mstd0.5-inc1")
    views = [transform(make_sample(IMAGE, "x"))["img"] for _ in range(3)]
    assert all(view.shape == (48, 48, 3) and view.dtype == np.uint8 for view in views)
    assert not np.array_equal(views[0], views[1]) or not np.array_equal(views[0], views[2])


@pytest.mark.parametrize("augment", ["rand-m10-mstd0-n15-inc1", "rand-m0-mstd0-n15", "original", "v0r"])
def test_no_augmentation_of_timms_fails_at_the_ends_of_its_range(augment):
    # Pillow 13 refuses to posterize to 0 bits, which timm 1.0.31 asks it to at magnitude 10.
    transform = TimmTransform(16, is_training=True, auto_augment=augment)
    for _ in range(60):
        assert transform(make_sample(IMAGE[:32, :32], "x"))["img"].shape == (16, 16, 3)


@pytest.mark.parametrize(
    "arguments",
    [
        dict(img_size=0),
        dict(img_size=(224, 224)),
        dict(img_size="(32,)"),
        dict(scale=(0.5, 1.0)),
        dict(interpolation="cubic"),
        dict(interpolation="random"),
    ],
)
def test_arguments_that_make_no_sense(arguments):
    with pytest.raises(InputError, match="^TimmTransform: [^\n]*(expected|only with)"):
        TimmTransform(**arguments)
