"""What is exported: depth models and classifiers, with the size that they were trained for."""

import numpy as np
import torch

from depthkit.apis.export_source import load_export_source
from depthkit.models import Classifier, DepthEstimator
from depthkit.registry import MODELS, depthkit_scope
from depthkit.utils.config import load_config
from depthkit.zoo.packaged import packaged_weights


def test_a_classifier(tmp_path):
    config = load_config("in1k_deit_tiny", {"img_size": 64, "model.backbone.depth": 2})
    with depthkit_scope():
        model = MODELS.build(config.model)
    torch.save(model.state_dict(), tmp_path / "w.pth")
    source = load_export_source(config, tmp_path / "w.pth")
    assert isinstance(source.model, Classifier) and not source.model.training
    assert source.recommended_size == (64, 64)


def test_a_depth_model():
    source = load_export_source(None, packaged_weights())
    assert isinstance(source.model, DepthEstimator) and source.metadata["model"] == "rooms-deit-tiny"
    assert source.recommended_size == (144, 192)
    images = [np.full((30, 40, 3), 7, np.uint8)] * 8
    assert [tuple(one.shape) for one in source.read_calibration(images, None)] == [(1, 3, 144, 192)] * 8
    (first, *_) = source.read_calibration(images, (64, 96))
    assert first.shape == (1, 3, 64, 96) and first.dtype == torch.float32 and (first == 7).all()
