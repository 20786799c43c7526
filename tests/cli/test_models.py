import json

import pytest

import depthkit
from depthkit.models.weights import read_state_dict
from depthkit.zoo.packaged import PACKAGED_MODEL, packaged_weights
from depthkit.zoo.table import MODELS
from helpers import run_and_list_imports


def test_the_table_fits_a_terminal_and_needs_no_torch(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    printed, imported = run_and_list_imports("-m", "depthkit.cli.main", "models")
    assert not {"torch", "mmengine", "pydantic"} & imported
    lines = printed.splitlines()
    assert max(map(len, lines)) <= 100
    rows = {line.split()[0]: line for line in lines[1 : len(MODELS) + 2]}
    assert list(rows) == [PACKAGED_MODEL, *MODELS]
    assert rows[PACKAGED_MODEL].split()[1:] == ["6", "M", "metres,", "indoors", "Apache-2.0", "12", "MB", "here"]
    cells = {name: " ".join(line.split()[1:]) for name, line in rows.items()}
    assert cells["depth-anything-v2-metric-indoor-small"] == "25 M metres, up to 20 Apache-2.0 99 MB"
    assert cells["depth-anything-v2-metric-outdoor-base"] == "97 M metres, up to 80 unresolved ~389 MB"
    assert "CC-BY-NC-4.0" in rows["depth-anything-v2-large"] and "relative disparity" in rows["dpt-large"]


def test_the_details_of_one(cli, monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    printed = cli("models", "depth-anything-v2-base").stdout
    model = MODELS["depth-anything-v2-base"]
    for text in (model.url, model.sha256, "CC-BY-NC-4.0 (not for commercial use", "arXiv:2406.09414", "390 MB"):
        assert text in printed
    assert f"no; it would be downloaded to {tmp_path}" in printed


def test_json_has_everything(cli, tmp_path):
    done = cli("models", "--json", tmp_path / "models.json")
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "models.json").read_text())
    assert [model["name"] for model in content] == [PACKAGED_MODEL, *MODELS]
    assert (content[0]["kind"], content[0]["licence"]) == ("metric", "Apache-2.0")
    assert content[1]["architecture"]["taps"] == [2, 5, 8, 11]
    assert content[1]["paper"]["arxiv"] == "2406.09414" and content[1]["kind"] == "relative"


def test_what_is_downloaded_is_here(cli, monkeypatch, tmp_path):
    from huggingface_hub import constants

    cached = tmp_path / "models--Intel--dpt-large"
    (cached / "snapshots" / "c0ffee").mkdir(parents=True)
    (cached / "snapshots" / "c0ffee" / "model.safetensors").touch()
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("c0ffee")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    lines = cli("models").stdout.splitlines()
    assert [line.split()[0] for line in lines if line.endswith("here")] == [PACKAGED_MODEL, "dpt-large"]
    assert str(cached / "snapshots" / "c0ffee" / "model.safetensors") in cli("models", "dpt-large").stdout


def test_the_model_that_comes_with_depthkit(cli, tmp_path):
    done = cli("models", PACKAGED_MODEL, "--json", tmp_path / "one.json")
    assert done.returncode == 0, done.stderr
    (one,) = json.loads((tmp_path / "one.json").read_text())
    assert one["cached"] == str(packaged_weights()) and one["cached"] in done.stdout
    weights = sum(tensor.numel() for tensor in read_state_dict(packaged_weights()).values())
    assert f"{weights:,}" in done.stdout


def test_an_unknown_name(cli):
    done = cli("models", "depth-anything-v2-smal")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "did you mean depth-anything-v2-small" in done.stderr


def test_without_the_file_of_the_packaged_model_the_others_are_listed(cli, monkeypatch, tmp_path):
    monkeypatch.setattr(depthkit, "__file__", str(tmp_path / "__init__.py"))
    done = cli("models", "--json", tmp_path / "models.json")
    assert done.returncode == 0, done.stderr
    (row,) = (line for line in done.stdout.splitlines()[1:] if line.startswith(f"{PACKAGED_MODEL}  "))
    assert row.endswith("Apache-2.0")
    assert json.loads((tmp_path / "models.json").read_text())[0]["cached"] is None
    assert "no; install depthkit again" in cli("models", PACKAGED_MODEL).stdout


@pytest.mark.parametrize("name", ["rooms-deit-tini", "rooms_deit_tiny", "Rooms-DeiT-Tiny"])
def test_near_names_of_the_packaged_model(cli, name):
    done = cli("models", name)
    assert done.returncode == 2 and f"did you mean {PACKAGED_MODEL}" in done.stderr
