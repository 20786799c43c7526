"""The hook that draws predictions during validation."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmengine.visualization import LocalVisBackend
from mmseg.structures import SegDataSample
from PIL import Image

from depthkit.engine.hooks.visualization_hook import DepthVisualizationHook
from depthkit.errors import InputError
from depthkit.registry import HOOKS


class Backend:
    """Notes what is added, as TensorBoard's backend would."""

    def __init__(self):
        self.added = []

    def add_image(self, name, image, step):
        self.added.append((name, image.shape, step))


def validate(hook, folder, batches=7, iteration=40, backends=None, pred_value=2.0, stem="rgb"):
    runner = SimpleNamespace(
        work_dir=str(folder),
        iter=iteration,
        val_dataloader=range(batches),
        visualizer=SimpleNamespace(_vis_backends=backends or {}),
    )
    for i in range(batches):
        sample = SegDataSample(metainfo={"img_path": f"data/scene/{stem}_{i:05d}.jpg"})
        sample.pred_depth_map = PixelData(data=torch.full((1, 48, 64), pred_value))
        sample.gt_depth_map = PixelData(data=torch.ones(1, 60, 80))
        batch = {"inputs": [torch.zeros(3, 48, 64, dtype=torch.uint8)]}
        hook.after_val_iter(runner, i, batch, [sample])
    return sorted((folder / "vis").iterdir())


def test_writes_a_fixed_number_of_pictures_spread_over_the_set(tmp_path):
    hook = HOOKS.build({"type": "DepthVisualizationHook", "num_images": 3})
    files = validate(hook, tmp_path)
    assert [file.name for file in files] == [f"val_{i:04d}_rgb_{i:05d}_iter_0000040.png" for i in (0, 3, 6)]
    assert len(validate(hook, tmp_path, iteration=80)) == 6
    assert np.asarray(Image.open(files[0])).shape[2] == 3


def test_a_name_that_would_be_too_long_is_shortened(tmp_path):
    (file,) = validate(DepthVisualizationHook(1), tmp_path, 1, stem="ü" * 120)
    assert file.name.startswith("val_0000_üü") and file.name.endswith("ü_iter_0000040.png")


@pytest.mark.parametrize(("pictures", "batches", "expected"), [(4, 2, 2), (1, 5, 1), (0, 5, 0)])
def test_as_many_as_there_are(tmp_path, pictures, batches, expected):
    (tmp_path / "vis").mkdir()
    assert len(validate(DepthVisualizationHook(pictures), tmp_path, batches)) == expected


def test_the_range_stays_so_that_a_wrong_scale_shows(tmp_path):
    hook = DepthVisualizationHook(1, (0, 10))
    (first,) = validate(hook, tmp_path / "a", 1, pred_value=2.0)
    (second,) = validate(hook, tmp_path / "b", 1, pred_value=8.0)
    assert (np.asarray(Image.open(first)) != np.asarray(Image.open(second))).any()


def test_nan_predictions_do_not_stop_a_training(tmp_path):
    assert validate(DepthVisualizationHook(1), tmp_path, 1, pred_value=float("nan"))


def test_other_backends_of_the_visualizer_get_the_pictures(tmp_path):
    backend = Backend()
    local = LocalVisBackend(str(tmp_path / "local"))
    validate(DepthVisualizationHook(2), tmp_path, 2, backends={"tensorboard": backend, "local": local})
    assert [(name, step) for name, _, step in backend.added] == [("val_0000_rgb_00000", 40), ("val_0001_rgb_00001", 40)]
    assert not (tmp_path / "local").exists()


def test_an_empty_range_is_refused():
    with pytest.raises(InputError, match="two depths in metres"):
        DepthVisualizationHook(depth_range=(4, 1))
