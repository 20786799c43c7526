from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook

from depthkit.engine import DepthRunner
from depthkit.engine.checkpoints import unpack
from depthkit.errors import InputError
from depthkit.registry import DATASETS, MODELS


def train(config) -> DepthRunner:
    runner = DepthRunner.from_cfg(config)
    runner.train()
    return runner


def test_one_cycle_takes_its_steps_from_the_loop_and_its_peaks_from_the_groups(tiny_config) -> None:
    config = tiny_config(param_scheduler={"type": "OneCycleLR", "pct_start": 0.2, "div_factor": 10.0})
    rates = []

    runner = DepthRunner.from_cfg(config)

    class Note(Hook):
        def before_train_iter(self, runner, batch_idx, data_batch=None):
            rates.append(runner.optim_wrapper.optimizer.param_groups[0]["lr"])

    runner.register_hook(Note())
    runner.train()
    assert len(rates) == 10
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == pytest.approx(0.1) and rates[1] == max(rates)
    assert rates[-1] == pytest.approx(0.01 / 1e4)


LAYER_DECAY = {"constructor": "LayerDecayOptimWrapperConstructor", "optimizer": {"type": "AdamX", "lr": 1}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": {"type": "Line", "widht": 2}}, "model: .*unexpected keyword argument 'widht'"),
        ({"custom_hooks": [{"type": "NoHook"}]}, "hooks: there is no hook of type 'NoHook'"),
        ({"optim_wrapper": LAYER_DECAY}, "no optimizer of type 'AdamX'"),
        ({"param_scheduler": {"type": "OneCycleLR", "pct": 1}}, "param_scheduler: .*argument 'pct'"),
        (
            {"param_scheduler": {"type": "OneCycleLR", "pct_start": "abc"}},
            "OneCycleLR: pct_start='abc': expected a number",
        ),
        ({"custom_hooks": [{"type": "EMAHook", "begin_iter": 99}]}, "config: hooks: .*begin_iter: 99"),
        ({"optim_wrapper": 3}, "optim_wrapper=3: expected a dict"),
        ({"randomness": {"seed": "abc"}}, "randomness: seed='abc': expected a whole number"),
    ],
)
def test_a_mistake_in_the_config_is_named_with_its_part(tiny_config, change, message) -> None:
    with pytest.raises(InputError, match=message):
        train(tiny_config(**change))


def test_an_unknown_initializer_is_a_mistake_in_the_config(tiny_config) -> None:
    runner = DepthRunner.from_cfg(tiny_config())
    runner.model.init_cfg = {"type": "foo"}
    with pytest.raises(InputError, match="model: init_cfg: there is no weight initializer of type 'foo'"):
        runner.train()


def test_a_mistake_in_the_data_part(tiny_config) -> None:
    config = tiny_config()
    config.train_dataloader.dataset.lenght = 3
    with pytest.raises(InputError, match="train_dataloader: .*'lenght'"):
        train(config)


def test_the_data_are_looked_at_once_and_before_the_model_is_built(tiny_config, monkeypatch) -> None:
    built = []
    data, model = DATASETS.get("Numbers"), MODELS.get("Line")
    for kind in (data, model):
        monkeypatch.setattr(kind, "__init__", _note(built, kind.__init__, kind.__name__))
    train(tiny_config())
    assert built == ["Numbers", "Line"]


def _note(built: list, make, name: str):
    def build(self, *args, **kwargs) -> None:
        built.append(name)
        make(self, *args, **kwargs)

    return build


def test_the_weights_at_the_start_are_those_without_data_sets(tiny_config) -> None:
    with_data = DepthRunner.from_cfg(tiny_config("a")).model.state_dict()
    config = tiny_config("b")
    for key in ("train_dataloader", "train_cfg", "optim_wrapper", "param_scheduler"):
        config.pop(key)
    without = DepthRunner.from_cfg(config).model.state_dict()
    assert all(torch.equal(with_data[key], without[key]) for key in without)


def test_a_bug_while_building_stays_a_bug(tiny_config, monkeypatch) -> None:
    def broken(self, width: int = 1) -> None:
        raise TypeError("unsupported operand type(s)")

    monkeypatch.setattr(MODELS.get("Line"), "__init__", broken)
    with pytest.raises(TypeError, match="unsupported operand"):
        DepthRunner.from_cfg(tiny_config())


def test_the_weights_of_another_model_are_an_error(tiny_config, tmp_path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"state_dict": {"backbone.weight": torch.zeros(5, 1), "neck.bias": torch.zeros(1)}}, path)
    with pytest.raises(InputError, match="other.pth: is a checkpoint of another model .*neck.bias"):
        train(tiny_config(load_from=str(path)))


def test_weights_without_training_state_can_be_loaded_but_not_resumed(tiny_config, tmp_path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": train(tiny_config()).model.state_dict(), "meta": {}}, path)
    train(tiny_config(load_from=str(path)))
    with pytest.raises(InputError, match="weights.pth: holds no training state"):
        train(tiny_config(load_from=str(path), resume=True))


def test_resuming_executes_nothing_in_a_checkpoint(tiny_config, tmp_path) -> None:
    runner = train(tiny_config())
    path = Path(runner.work_dir) / "epoch_1.pth"
    content = torch.load(path)
    # mmengine's Runner.resume executes this text.
    content["meta"]["config"] = f"import os\nos.mkdir({str(tmp_path / 'executed')!r})\n"
    torch.save(content, path)
    assert train(tiny_config(load_from=str(path), resume=True)).iter == 10
    assert not (tmp_path / "executed").exists()


def test_a_checkpoint_of_an_older_depthkit_is_resumed(tiny_config) -> None:
    straight = train(tiny_config())
    path = Path(straight.work_dir) / "epoch_1.pth"
    content = torch.load(path)
    del content["depthkit"]
    unpack(content)  # the history as mmengine's objects
    torch.save(content, path)
    resumed = train(tiny_config(load_from=str(path), resume=True))
    for key, value in straight.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[key])


def test_resume_without_a_checkpoint_starts_at_the_beginning(tiny_config) -> None:
    assert train(tiny_config(resume=True)).iter == 10


def test_a_longer_training_is_no_continuation(tiny_config) -> None:
    train(tiny_config())
    with pytest.raises(InputError, match="of a training of 10 iterations, this one has 25"):
        train(tiny_config(resume=True, train_cfg={"type": "TrainLoop", "max_epochs": 5}))


def test_the_environment_and_config_are_in_the_log_file_and_not_on_the_console(tiny_config, capsys) -> None:
    runner = train(tiny_config())
    log = next(Path(runner.log_dir).glob("*.log")).read_text()
    printed = capsys.readouterr().out
    assert "System environment" in log and "System environment" not in printed
    assert "Epoch(train)" in log and "Epoch(train)" in printed
    assert "deprecated" not in printed and "Failed to search registry" not in printed


def test_maps_of_token_selective_layers_have_a_word_in_the_log(tiny_config, capsys, monkeypatch) -> None:
    forms = [{}, {"skipped": "unchanged"}, {}, {"skipped": "unchanged"}, {"skipped": "neighbours"}]
    blocks = [SimpleNamespace(**form) for form in forms]
    for name, value in (("out_indices", (0, 1, 3, 4)), ("selective_layers", (1, 3, 4)), ("blocks", blocks)):
        monkeypatch.setattr(torch.nn.Linear, name, value, raising=False)
    train(tiny_config())
    assert "out_indices: 1, 3 are token selective layers; what skips" in " ".join(capsys.readouterr().out.split())
