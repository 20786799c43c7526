"""A model of the page in another runtime: what runs there, and what stays in torch."""

from pathlib import Path

import pytest
import torch

from depthkit.app.choices import list_choices
from depthkit.app.description import describe
from depthkit.app.loaded_model import LoadedModel
from depthkit.runtimes.names import IN_TORCH, RuntimeRequest

ASKED = RuntimeRequest(precision="bfloat16", max_error=10.0)


@pytest.fixture
def any_cpu(monkeypatch) -> None:
    """Let any CPU have bfloat16."""
    monkeypatch.setattr("depthkit.runtimes.names._cpu_flags", lambda: {"avx512_bf16"})


def predict(loaded: LoadedModel, content: bytes, keep_rate: float | None):
    prediction = loaded.predict(content, "room.jpg", None, keep_rate, 10**6)
    answer = describe(prediction, "id", "room", "model", keep_rate, 60)
    assert answer.cost.runtime == loaded.runtime_of(keep_rate)
    return answer, prediction.result.values


def test_the_model_runs_as_asked_and_the_forms_of_keep_rates_in_torch(any_cpu, example):
    (choice,) = list_choices("rooms-deit-tiny").values()
    in_torch, as_asked = LoadedModel(choice, "cpu", IN_TORCH), LoadedModel(choice, "cpu", ASKED)
    exact, exact_values = predict(in_torch, example, None)
    lower, lower_values = predict(as_asked, example, None)
    assert (exact.cost.runtime, lower.cost.runtime) == ("torch float32", "torch bfloat16")
    assert lower.warnings == exact.warnings
    assert (lower_values != exact_values).any() and abs(lower_values / exact_values - 1).mean() < 0.05
    selected, selected_values = predict(as_asked, example, 0.5)
    assert selected.cost.runtime == "torch float32" and selected.cost.dense is not None and selected.tokens
    assert "With a keep rate it runs in torch: torch bfloat16 is for the model as it is." in selected.warnings
    assert (selected_values == predict(in_torch, example, 0.5)[1]).all()
    assert (predict(as_asked, example, None)[1] == lower_values).all()


@pytest.mark.parametrize("request_", [IN_TORCH, ASKED])
def test_both_times_are_of_torch(any_cpu, example, monkeypatch, request_):
    def time_in_turn(form, dense, *_):
        assert form.model.run_elsewhere is None and dense.model.run_elsewhere is None
        assert form.model.backbone.keep_rate == (0.5,) * len(form.model.backbone.keep_rate)
        assert type(dense.model.backbone).__name__ == "DeiT"
        return 1.0, 2.0

    monkeypatch.setattr("depthkit.app.loaded_model._time_in_turn", time_in_turn)
    (choice,) = list_choices("rooms-deit-tiny").values()
    loaded = LoadedModel(choice, "cpu", request_)
    answer, _ = predict(loaded, example, 0.5)
    assert (answer.cost.model.seconds, answer.cost.dense.seconds) == (1.0, 2.0)
    assert answer.cost.model.macs < answer.cost.dense.macs
    weights = loaded.form(None).model.parameters(), loaded.form(0.5).model.backbone.patch_embed.parameters()
    assert {id(one) for one in weights[1]} <= {id(one) for one in weights[0]}


def test_a_model_that_selects_tokens_itself(any_cpu, demo_config, demo_checkpoint: Path, tmp_path, example):
    from depthkit.models.checkpoint_info import CheckpointInfo
    from depthkit.utils.config import config_to_plain, load_config

    content = torch.load(demo_checkpoint)
    content["depthkit"] = CheckpointInfo.of_training(config_to_plain(load_config(demo_config)), "demo").to_plain()
    torch.save(content, tmp_path / "best.pth")
    choice = next(one for one in list_choices(None, [str(tmp_path / "best.pth")]).values() if one.weights is not None)
    answer, _ = predict(LoadedModel(choice, "cpu", ASKED), example, None)
    assert answer.cost.runtime == "torch bfloat16" and answer.cost.dense is None and answer.tokens
    assert any(said.startswith("The tokens are those that torch selects.") for said in answer.warnings)
