from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook

from depthkit.engine.hooks.keep_rate_hook import KeepRateHook, annealed_keep_rate
from depthkit.engine.runner import DepthRunner
from depthkit.errors import InputError
from depthkit.models import EViT, ToSA
from depthkit.registry import METRICS


@METRICS.register_module()
class Nothing(BaseMetric):
    """Measures nothing."""

    def process(self, data_batch, data_samples) -> None:
        self.results.append(0)

    def compute_metrics(self, results) -> dict:
        return {"nothing": 0.0}


class Watch(Hook):
    """Takes down the rate at each training iteration and validation."""

    priority = "LOWEST"

    def __init__(self) -> None:
        self.train: list = []
        self.val: list = []

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        self.train.append(runner.model.backbone.keep_rate)

    def before_val_iter(self, runner, batch_idx, data_batch=None) -> None:
        self.val.append(runner.model.backbone.keep_rate)


def run(config, rate, **arguments) -> tuple[DepthRunner, Watch]:
    config.custom_hooks = [dict(type="KeepRateHook", **arguments)]
    runner = DepthRunner.from_cfg(config)
    if rate is not None:
        runner.model.backbone.keep_rate = rate
    watch = Watch()
    runner.register_hook(watch)
    runner.train()
    return runner, watch


def test_a_cosine_from_start_to_target():
    assert annealed_keep_rate(1.0, 0.5, 0.0) == 1.0
    assert annealed_keep_rate(1.0, 0.5, 0.5) == pytest.approx(0.75)
    assert annealed_keep_rate(1.0, 0.5, 1 / 3) == pytest.approx(0.875)  # cos(60 degrees) = 1/2
    assert annealed_keep_rate(1.0, 0.5, 1.0) == 0.5
    assert annealed_keep_rate(1.0, (0.2, 1.0), 0.5) == pytest.approx((0.6, 1.0))


def test_where_nothing_is_selected_in_the_end_nothing_ever_is():
    assert annealed_keep_rate(0.8, (1, 0.4), 0.5) == pytest.approx((1, 0.6))


@given(st.floats(0.01, 1), st.floats(0.01, 1), st.floats(-1, 3), st.floats(-1, 3))
def test_it_never_turns_back_and_stays_between(start, target, a, b):
    earlier, later = sorted((a, b))
    first, second = (annealed_keep_rate(start, target, progress) for progress in (earlier, later))
    assert abs(second - target) <= abs(first - target) + 1e-12
    assert min(start, target) - 1e-12 <= first <= max(start, target) + 1e-12


def test_the_model_is_trained_with_the_schedule_and_validated_with_the_target(tiny_config):
    loader = dict(batch_size=2, num_workers=0, sampler=dict(type="DefaultSampler"), dataset=dict(type="Numbers"))
    validation = dict(val_dataloader=loader, val_cfg={}, val_evaluator=dict(type="Nothing"))
    # Two epochs of five iterations.
    runner, watch = run(tiny_config(**validation), 0.5, start=1.0, duration=0.6, warmup=0.2)
    expected = [1, 1, 1, 0.5 + 0.5 * (1 + 2**-0.5) / 2, 0.75, 0.5 + 0.5 * (1 - 2**-0.5) / 2, 0.5, 0.5, 0.5, 0.5]
    assert watch.train == pytest.approx(expected)
    assert set(watch.val) == {0.5} and len(watch.val) == 10
    assert runner.model.backbone.keep_rate == 0.5


def test_one_rate_for_each_layer(tiny_config):
    runner, watch = run(tiny_config(), (0.2, 0.6), duration=1.0)
    assert watch.train[0] == (1.0, 1.0)
    assert watch.train[5] == pytest.approx((0.6, 0.8))
    assert runner.model.backbone.keep_rate == (0.2, 0.6)


def test_evit_and_tosa_take_the_same_schedule(tiny_config):
    tiny = dict(img_size=32, embed_dim=32, depth=4, num_heads=2)
    for backbone, first, middle in (
        (EViT(keep_rate=0.5, **tiny), (1, 1, 1, 1), (1, 1, 1, 0.75)),
        (ToSA(keep_rate=0.5, **tiny), (1, 1), (0.75, 0.75)),
    ):
        config = tiny_config(type(backbone).__name__, custom_hooks=[dict(type="KeepRateHook", duration=1.0)])
        runner = DepthRunner.from_cfg(config)
        # Beside what computes, so that it is the schedule alone that is looked at.
        line, runner.model.backbone = runner.model.backbone, backbone
        runner.model.forward = lambda inputs, *_, line=line, **__: {"loss": line(torch.stack(list(inputs))).mean()}
        watch = Watch()
        runner.register_hook(watch)
        runner.train()
        assert watch.train[0] == first
        assert watch.train[5] == pytest.approx(middle)
        assert runner.message_hub.get_scalar("train/keep_rate").data[0][5] == pytest.approx(0.75)


def test_resumed_it_goes_on_where_it_was(tiny_config):
    config = tiny_config(default_hooks=dict(checkpoint=dict(type="AtomicCheckpointHook", by_epoch=False, interval=5)))
    _, whole = run(config, 0.5, duration=1.0)
    Path(config.work_dir, "iter_10.pth").unlink()
    config.resume = True
    _, rest = run(config, 0.5, duration=1.0)
    assert rest.train == whole.train[5:]


def test_a_model_without_a_keep_rate_is_an_error(tiny_config):
    with pytest.raises(InputError, match=r"no backbone with a keep_rate \(Linear\)"):
        run(tiny_config(), None)


@pytest.mark.parametrize(
    "arguments", [dict(start=0), dict(start=1.5), dict(duration=0), dict(duration=2), dict(warmup=0.5)]
)
def test_arguments_out_of_range(arguments):
    with pytest.raises(InputError, match="KeepRateHook: "):
        KeepRateHook(**arguments)
