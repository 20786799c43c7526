import numpy as np
import pytest
import torch
from mmseg.structures import SegDataSample

from depthkit.errors import InputError
from depthkit.models import ClassPreProcessor
from depthkit.models.data_preprocessor import SegDataPreProcessor


def batch(labels: list[int]) -> dict:
    """A grey image for each label, the first black, the second white, ..."""
    samples = [SegDataSample() for _ in labels]
    for sample, label in zip(samples, labels, strict=True):
        sample.gt_label = torch.tensor(label)
    images = [torch.full((3, 8, 8), 255 * (i % 2), dtype=torch.uint8) for i in range(len(labels))]
    return {"inputs": images, "data_samples": samples}


SCALE = dict(mean=[0.0] * 3, std=[255.0] * 3)


def test_nothing_but_normalisation_in_evaluation():
    prepare = ClassPreProcessor(erase_prob=1.0, mixup=dict(num_classes=3), **SCALE)
    out = prepare(batch([0, 2]))
    assert out["inputs"].unique().tolist() == [0, 1]
    assert all("gt_score" not in sample for sample in out["data_samples"])


def test_mixup_mixes_pictures_and_classes_alike():
    np.random.seed(1)
    prepare = ClassPreProcessor(mixup=dict(mixup_alpha=1.0, label_smoothing=0.0, num_classes=3), **SCALE)
    out = prepare(batch([0, 2]), training=True)
    part = out["inputs"][0, 0, 0, 0].item()  # of the white image in the black one
    assert 0 < part < 1
    torch.testing.assert_close(out["inputs"][1], torch.full((3, 8, 8), 1 - part))
    torch.testing.assert_close(out["data_samples"][0].gt_score, torch.tensor([1 - part, 0, part]))
    torch.testing.assert_close(out["data_samples"][1].gt_score, torch.tensor([part, 0, 1 - part]))


def test_cutmix_pastes_a_rectangle_of_the_part_of_the_class():
    np.random.seed(0)
    mixup = dict(mixup_alpha=0.0, cutmix_alpha=1.0, label_smoothing=0.0, num_classes=2)
    out = ClassPreProcessor(mixup=mixup, **SCALE)(batch([0, 1]), training=True)
    pasted = out["inputs"][0].mean().item()
    assert set(out["inputs"].unique().tolist()) == {0, 1}
    torch.testing.assert_close(out["data_samples"][0].gt_score, torch.tensor([1 - pasted, pasted]))


def test_smoothing_without_mixing():
    out = ClassPreProcessor(mixup=dict(prob=0.0, label_smoothing=0.1, num_classes=4), **SCALE)(batch([1, 0]), True)
    torch.testing.assert_close(out["data_samples"][0].gt_score, torch.tensor([0.025, 0.925, 0.025, 0.025]))


def test_erasing_changes_a_part_of_the_picture():
    torch.manual_seed(0)
    out = ClassPreProcessor(erase_prob=1.0, **SCALE)(batch([0, 0, 0, 0]), training=True)["inputs"]
    changed = (out != torch.tensor([0.0, 1.0]).repeat(2).view(4, 1, 1, 1)).any(dim=1).float().mean()
    assert 0 < changed < 0.5


@pytest.mark.parametrize(
    ("labels", "mixup", "message"),
    [([0, 1, 1], dict(num_classes=2), "the batch has 3"), ([0, 5], dict(num_classes=5), "an image is of class 5")],
)
def test_batches_that_cannot_be_mixed(labels, mixup, message):
    with pytest.raises(InputError, match=message):
        ClassPreProcessor(mixup=mixup, **SCALE)(batch(labels), training=True)


@pytest.mark.parametrize("kind", [SegDataPreProcessor, ClassPreProcessor])
@pytest.mark.parametrize(
    ("name", "value"),
    [("mean", [1]), ("std", [0, 1, 1]), ("size_divisor", []), ("pad_val", "foo"), ("test_cfg", {"size_divisor": 0})],
)
def test_wrong_arguments_are_named(kind, name, value):
    with pytest.raises(InputError, match=rf"{kind.__name__}: {name}|test_cfg: size_divisor=0"):
        kind(**{**SCALE, name: value})


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("settings", [{}, {"bgr_to_rgb": True}, {"test_cfg": {"size_divisor": 16}}])
def test_ours_is_mmsegs_preprocessor(settings, training):
    from mmengine.structures import PixelData
    from mmseg.models import SegDataPreProcessor as Theirs

    torch.manual_seed(0)
    widths = (20, 24) if training else (20, 20)
    images = [torch.randint(0, 256, (3, 17, width), dtype=torch.uint8) for width in widths]
    results = []
    for kind in (Theirs, SegDataPreProcessor):
        samples = [SegDataSample(gt_depth_map=PixelData(data=torch.ones(1, *image.shape[1:]))) for image in images]
        prepare = kind(mean=[120.0, 110.0, 100.0], std=[60.0, 50.0, 40.0], size_divisor=8, seg_pad_val=0, **settings)
        results.append(prepare({"inputs": list(images), "data_samples": samples}, training))
        assert not prepare.state_dict()
    theirs, ours = results
    assert torch.equal(theirs["inputs"], ours["inputs"])
    for one, other in zip(theirs["data_samples"], ours["data_samples"], strict=True):
        assert torch.equal(one.gt_depth_map.data, other.gt_depth_map.data) and one.metainfo == other.metainfo


def test_images_of_different_sizes_are_an_error_in_evaluation():
    with pytest.raises(ValueError, match="expected one size"):
        SegDataPreProcessor()({"inputs": [torch.zeros(3, 8, 8), torch.zeros(3, 8, 9)]})
