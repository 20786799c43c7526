import pytest
import torch

from depthkit.errors import InputError
from depthkit.evaluation.accuracy import Accuracy

NAN = float("nan")


def evaluate(*samples: dict) -> dict:
    metric = Accuracy()
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def sample(score: list[float], label: int) -> dict:
    return dict(pred_score=torch.tensor(score), gt_label=torch.tensor(label), img_path="a.JPEG")


def test_first_and_among_the_first_five():
    falling = [0.4, 0.2, 0.15, 0.1, 0.08, 0.05, 0.02]
    result = evaluate(*(sample(falling, label) for label in (0, 0, 1, 4, 5)))
    assert result == dict(top1=40.0, top5=80.0, images=5, skipped=0)


def test_scores_that_say_nothing_are_no_hit():
    assert evaluate(sample([0.5] * 9, 3))["top5"] == 0
    with pytest.raises(InputError, match="a.JPEG: 9 of the 9 scores are NaN"):
        evaluate(sample([NAN] * 9, 0))


def test_an_unreadable_picture_is_left_out():
    broken = sample([0.0, 1.0], 0) | dict(unreadable="b.JPEG: is damaged")
    assert evaluate(broken, sample([0.0, 1.0], 1)) == dict(top1=100.0, top5=100.0, images=1, skipped=1)
    with pytest.raises(InputError, match="none of the 1 images could be read; .*b.JPEG: is damaged"):
        evaluate(broken)


def test_pictures_of_other_classes_than_the_models():
    with pytest.raises(InputError, match="a.JPEG: is of class 9, but the model has 2 classes"):
        evaluate(sample([0.0, 1.0], 9))
    with pytest.raises(InputError, match="has no class"):
        evaluate(dict(pred_score=torch.zeros(2), img_path="a.JPEG"))
