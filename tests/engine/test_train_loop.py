import pytest
import torch

from depthkit.engine import DepthRunner
from depthkit.errors import InputError


def train(config, kill_at: int | None = None) -> DepthRunner:
    runner = DepthRunner.from_cfg(config)
    if kill_at is not None:
        from mmengine.hooks import Hook

        class Kill(Hook):
            priority = "LOWEST"

            def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
                if runner.iter + 1 == kill_at:
                    raise KeyboardInterrupt

        runner.register_hook(Kill())
        with pytest.raises(KeyboardInterrupt):
            runner.train()
        return runner
    runner.train()
    return runner


def dataset_reads(runner: DepthRunner) -> list[int]:
    return list(runner.train_dataloader.dataset.seen)


def weights(runner: DepthRunner) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in runner.model.parameters()])


BY_ITERATION = {"checkpoint": {"type": "AtomicCheckpointHook", "interval": 1, "by_epoch": False}}


@pytest.mark.parametrize(
    ("train_cfg", "iterations", "epochs"),
    [
        ({"max_epochs": 3}, 15, 3),
        ({"max_iters": 7}, 7, 2),
        ({"max_iters": 5}, 5, 1),
        ({"max_epochs": 3, "max_iters": 7}, 7, 2),
        ({"max_epochs": 1, "max_iters": 7}, 5, 1),
    ],
)
def test_it_ends_exactly_at_the_first_limit(tiny_config, train_cfg, iterations, epochs) -> None:
    runner = train(tiny_config(train_cfg={"type": "TrainLoop", **train_cfg}))
    assert (runner.iter, runner.epoch, runner.max_iters) == (iterations, epochs, iterations)
    assert len(dataset_reads(runner)) == 2 * iterations


@pytest.mark.parametrize("kill_at", [3, 5, 7])
def test_resumed_in_mid_epoch_it_reads_the_rest_in_the_same_order_and_ends_with_the_same_weights(
    tiny_config, kill_at
) -> None:
    straight = train(tiny_config("straight"))
    order, end = dataset_reads(straight), weights(straight)
    killed = train(tiny_config("killed", default_hooks=BY_ITERATION), kill_at)
    assert dataset_reads(killed) == order[: 2 * kill_at]
    resumed = train(tiny_config("killed", default_hooks=BY_ITERATION, resume=True))
    assert dataset_reads(resumed) == order[2 * kill_at :]
    assert torch.equal(weights(resumed), end)


def test_a_seed_that_was_drawn_by_chance_is_kept_when_resumed(tiny_config) -> None:
    killed = train(tiny_config("killed", default_hooks=BY_ITERATION, randomness={"seed": None}), 2)
    first = dataset_reads(killed)
    resumed = train(tiny_config("killed", default_hooks=BY_ITERATION, randomness={"seed": None}, resume=True))
    assert sorted(first + dataset_reads(resumed)[:6]) == list(range(10))


def test_a_finished_training_that_is_resumed_does_nothing(tiny_config) -> None:
    train(tiny_config(train_cfg={"type": "TrainLoop", "max_iters": 7}))
    again = train(tiny_config(train_cfg={"type": "TrainLoop", "max_iters": 7}, resume=True))
    assert dataset_reads(again) == []
    assert again.iter == 7


def test_another_batch_size_cannot_be_resumed(tiny_config) -> None:
    config = tiny_config()
    train(config)
    config.resume, config.train_dataloader.batch_size = True, 1
    with pytest.raises(InputError, match="an epoch has 10 batches, but had 5|of a training of 10 iterations"):
        train(config)


@pytest.mark.parametrize(
    ("train_cfg", "message"),
    [
        ({}, "give max_epochs, max_iters or both"),
        ({"max_iters": 2.5}, "max_iters=2.5"),
        ({"max_epochs": "many"}, "max_epochs='many': expected a whole number"),
        ({"max_epoch": 2}, "unexpected keyword argument 'max_epoch'"),
    ],
)
def test_limits_that_are_none(tiny_config, train_cfg, message) -> None:
    with pytest.raises(InputError, match=message):
        train(tiny_config(train_cfg={"type": "TrainLoop", **train_cfg}))


def test_a_batch_larger_than_the_data_set(tiny_config) -> None:
    config = tiny_config()
    config.train_dataloader.update(batch_size=16, drop_last=True)
    with pytest.raises(InputError, match="10 images do not fill one batch of 16"):
        train(config)
