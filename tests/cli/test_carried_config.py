"""Checkpoints whose config is damaged or was made to do harm: one sentence with the name of the checkpoint."""

import pytest
import torch

LOADER = "test_dataloader"


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("model", None, "model"),
        ("model", [1], "model"),
        ("model.backbone", [1], "backbone"),
        ("model.backbone.keep_rate", 7, "keep_rate=7"),
        ("model.data_preprocessor", None, "data_preprocessor"),
        (f"{LOADER}.dataset.pipeline", [{"type": "os.getcwd"}], "no transform of type 'os.getcwd'"),
        (f"{LOADER}.dataset.pipeline", 5, "pipeline=5"),
        (f"{LOADER}.dataset", {"type": "mmengine.Dataset"}, "not depthkit's own"),
        (f"{LOADER}.batch_size", "a", "batch_size='a'"),
        (f"{LOADER}.sampler", {"type": "os.getcwd"}, "'os.getcwd'"),
        ("test_evaluator", {"type": "DepthProtocolMetric", "protocol": 5}, "protocol=5"),
        ("filename", "x", "filename is reserved"),
        ("size", {"_tuple_": 5}, "the config is damaged"),
        ("", 5, "config=5: expected a dict"),
    ],
)
def test_it_is_one_sentence(cli, checkpoint_with_config, tmp_path, place, value, message) -> None:
    path = tmp_path / "bad.pth"
    _change(checkpoint_with_config, path, place, value)
    done = cli("test", path, "--device", "cpu")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {path}: ") and done.stderr.count("\n") == 1
    assert message in done.stderr


@pytest.mark.parametrize("name", ["collate_fn", "worker_init_fn", "batch_sampler"])
def test_what_a_loader_need_not_have_is_left_aside(cli, checkpoint_with_config, tmp_path, name) -> None:
    path = tmp_path / "odd.pth"
    _change(checkpoint_with_config, path, f"{LOADER}.{name}", {"type": "os.getcwd"})
    done = cli("test", path, "--device", "cpu")
    assert done.returncode == 0, done.stderr


def _change(source, path, place: str, value: object) -> None:
    content = torch.load(source)
    part = content["depthkit"]
    *parents, name = ["config", *place.split(".")] if place else ["config"]
    for parent in parents:
        part = part[parent]
    part[name] = value
    torch.save(content, path)
