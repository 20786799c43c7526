"""What lies beside a file of transformers tells models apart that have the same tensors."""

import json

import pytest
import torch
from safetensors.torch import save_file

import depthkit
from depthkit.errors import InputError
from depthkit.zoo.table import MODELS, find_model
from depthkit.zoo.transformers_config import check_transformers_config

NAME = "depth-anything-v2-small"
INDOOR, OUTDOOR = (f"depth-anything-v2-metric-{scene}-small" for scene in ("indoor", "outdoor"))
V1 = "depth-anything-v1-small"


def config_of(name: str, **changes: object) -> dict:
    """The facts as transformers writes them."""
    model = find_model(name)
    config = {"model_type": "depth_anything", "backbone_config": {"out_indices": [3, 6, 9, 12]}}
    if name == V1:
        config["backbone_config"]["out_indices"] = [9, 10, 11, 12]
    if model.max_depth:
        config |= {"depth_estimation_type": "metric", "max_depth": int(model.max_depth)}
    return config | changes


@pytest.fixture
def beside(tmp_path):
    """Write a config, or some text, and return the path of the weights beside it."""

    def write(content: object):
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / "config.json").write_text(text)
        return tmp_path / "model.safetensors"

    return write


@pytest.mark.parametrize("name", [NAME, INDOOR, OUTDOOR, V1])
def test_each_model_takes_its_own_config_and_no_other(beside, name):
    for other in (NAME, INDOOR, OUTDOOR, V1):
        weights = beside(config_of(other))
        if other == name:
            check_transformers_config(weights, find_model(name))
            continue
        with pytest.raises(InputError, match=rf"config.json: says that .*, unlike {name}; name {other}$"):
            check_transformers_config(weights, find_model(name))


def test_what_the_config_does_not_say(beside):
    check = check_transformers_config
    check(beside({"model_type": "depth_anything"}), find_model(NAME))
    check(beside(config_of(NAME, depth_estimation_type="relative", max_depth=None)), find_model(NAME))
    check(beside(config_of(NAME, backbone_config=None)), find_model(NAME))
    with pytest.raises(InputError, match="has max_depth 1, unlike .*; `depthkit models` lists"):
        check(beside(config_of(OUTDOOR, max_depth=None)), find_model(OUTDOOR))
    with pytest.raises(InputError, match="has depth_estimation_type relative, unlike"):
        check(beside({"model_type": "depth_anything"}), find_model(OUTDOOR))


def test_other_configs_are_of_others(beside, tmp_path):
    for content in ({"model_type": "dpt", "max_depth": 3}, {"name": "da3mono"}, [1], {}):
        check_transformers_config(beside(content), find_model(OUTDOOR))
    beside(config_of(INDOOR))
    check_transformers_config(tmp_path / "depth_anything_v2_metric_vkitti_vits.pth", find_model(OUTDOOR))
    (tmp_path / "config.json").unlink()
    check_transformers_config(tmp_path / "model.safetensors", find_model(OUTDOOR))


@pytest.mark.parametrize("text", ["", "<html>", "{" * 100_000])
def test_a_config_that_cannot_be_read(beside, text):
    with pytest.raises(InputError, match=r"config.json: is not the JSON that transformers writes; get it again, or"):
        check_transformers_config(beside(text), find_model(NAME))


def test_loading_compares(tiny_zoo, beside):
    weights = beside(config_of(OUTDOOR, backbone_config={"out_indices": [1, 2, 3, 4]}))
    save_file(torch.load(tiny_zoo(OUTDOOR)), weights)
    assert depthkit.create_model(OUTDOOR, weights).decode_head.max_depth == 80
    tiny_zoo(INDOOR)
    with pytest.raises(InputError, match=f"has max_depth 80, unlike {INDOOR}; name {OUTDOOR}$"):
        depthkit.create_model(INDOOR, weights)


def test_every_model_of_transformers_is_told_from_its_twins():
    told = {}
    for model in MODELS.values():
        if model.architecture.family == "depth_anything":
            taps = model.architecture.taps
            told.setdefault((model.architecture.embed_dim, taps, model.kind, model.max_depth), []).append(model.name)
    assert all(len(names) == 1 for names in told.values()) and len(told) == 12
