import pytest
import torch

from depthkit.errors import InputError
from depthkit.evaluation.sample_means import SampleMeans


def test_means_of_numbers_and_of_one_number_for_each_layer():
    metric = SampleMeans()
    metric.process(None, [dict(measures=dict(kl=torch.tensor(1.0), found=torch.tensor([0.2, 0.6])))])
    metric.process(None, [dict(measures=dict(kl=torch.tensor(4.0), found=torch.tensor([0.4, 0.8])))])
    result = metric.evaluate(2)
    assert result == pytest.approx(dict(kl=2.5, found=0.5, images=2), abs=1e-6)


def test_pictures_that_a_sampler_repeated_count_once():
    metric = SampleMeans()
    for value in (1.0, 3.0, 100.0):
        metric.process(None, [dict(measures=dict(kl=torch.tensor(value)))])
    assert metric.evaluate(2) == dict(kl=2.0, images=2)


def test_other_predictions_are_an_error():
    with pytest.raises(InputError, match="no 'measures'"):
        SampleMeans().process(None, [dict(pred_depth_map=0)])
