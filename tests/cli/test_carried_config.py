"""Checkpoints whose config is damaged or was made to do harm: one sentence with the name of the checkpoint."""

import pytest
import torch

from depthkit.zoo.packaged import packaged_weights

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


def test_it_does_not_choose_folders_that_are_written_to(cli, checkpoint_with_config, tmp_path) -> None:
    path, victim = tmp_path / "evil.pth", tmp_path / "victim"
    rooms = torch.load(checkpoint_with_config)["depthkit"]["config"][LOADER]["dataset"]
    dataset = {"type": "ConcatDataset", "datasets": [{**rooms, "cache": str(victim / "cache")}]}
    _change(checkpoint_with_config, path, f"{LOADER}.dataset", dataset)
    _change(path, path, "test_evaluator.save_dir", str(victim / "depth"))
    cli("test", path, "--device", "cpu")
    assert not victim.exists()
    _change(checkpoint_with_config, path, f"{LOADER}.dataset.cache", str(victim))
    done = cli("test", path, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert not victim.exists()


def test_where_the_data_are_can_be_said(cli) -> None:
    done = cli("test", packaged_weights(), "--device", "cpu")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.endswith("data/free_rgbd: --config rooms_deit_tiny --cfg-options data_root=FOLDER\n")


def _change(source, path, place: str, value: object) -> None:
    content = torch.load(source)
    part = content["depthkit"]
    *parents, name = ["config", *place.split(".")] if place else ["config"]
    for parent in parents:
        part = part[parent]
    part[name] = value
    torch.save(content, path)
