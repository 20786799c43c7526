import pytest
import torch
from mmseg.structures import SegDataSample

from depthkit.models import Classifier, ClassPreProcessor, DepthClassifier, DepthEstimator, SelectorDistiller
from depthkit.models import TokenDistiller as Tokens
from depthkit.models.base_model import DepthkitModel
from depthkit.models.data_preprocessor import SegDataPreProcessor


class Double(DepthkitModel):
    def _forward(self, inputs):
        return 2 * inputs

    def loss(self, inputs, data_samples):
        return {"loss_sum": inputs.sum(), "given": data_samples}

    def predict(self, inputs, data_samples):
        return data_samples


@pytest.fixture
def images() -> torch.Tensor:
    return torch.ones(2, 3, 4, 4)


def test_the_modes_are_the_methods(images):
    model, samples = Double(None, None), [SegDataSample(), SegDataSample()]
    assert torch.equal(model(images), 2 * images)
    assert model(images, samples, mode="loss") == {"loss_sum": 96, "given": samples}
    assert model(images, samples, mode="predict") is samples


def test_prediction_makes_samples_where_there_are_none(images):
    first, second = Double(None, None)(images, mode="predict")
    assert isinstance(first, SegDataSample) and first is not second


def test_another_mode_is_an_error(images):
    with pytest.raises(ValueError, match="mode='train': expected 'tensor', 'loss' or 'predict'"):
        Double(None, None)(images, mode="train")


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (dict(type="SegDataPreProcessor", mean=[1.0] * 3, std=[2.0] * 3), SegDataPreProcessor),
        (dict(type="ClassPreProcessor", mean=[1.0] * 3, std=[2.0] * 3), ClassPreProcessor),
    ],
)
def test_the_preprocessor_is_built_from_our_registry(config, kind):
    model = Double(config, None)
    assert type(model.data_preprocessor) is kind
    assert model.data_preprocessor.mean.flatten().tolist() == [1.0] * 3


@pytest.mark.parametrize("kind", [Classifier, DepthClassifier, DepthEstimator, SelectorDistiller, Tokens])
def test_all_models_are_of_it_and_dispatch_nothing_themselves(kind):
    assert issubclass(kind, DepthkitModel)
    assert kind.forward is DepthkitModel.forward
