import pytest
import torch
from torch import nn

from depthkit.engine import LayerDecayOptimWrapperConstructor
from depthkit.errors import InputError
from depthkit.models import ToSA

LR = 1e-3


class Depth(nn.Module):
    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.decode_head = nn.Linear(4, 1)


def tosa() -> ToSA:
    return ToSA(img_size=32, embed_dim=48, depth=4, num_heads=3, out_indices=(0, 1, 2, 3))


def groups_by_name(model: nn.Module, **paramwise: float) -> dict[str, dict]:
    cfg = {"optimizer": {"type": "AdamW", "lr": LR, "weight_decay": 0.05}, "clip_grad": {"max_norm": 1.0}}
    wrapper = LayerDecayOptimWrapperConstructor(cfg, paramwise or None)(model)
    assert wrapper.clip_grad_kwargs == {"max_norm": 1.0}
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = wrapper.optimizer.param_groups
    found = {names[id(parameter)]: group for group in groups for parameter in group["params"]}
    assert len(found) == sum(len(group["params"]) for group in groups)  # each parameter once
    return found


def test_rates_fall_from_the_last_layer_to_the_embeddings() -> None:
    groups = groups_by_name(Depth(tosa()), backbone_mult=0.1, layer_decay=0.5)
    rates = {name: group["lr"] for name, group in groups.items()}
    peak = 0.1 * LR
    assert rates["decode_head.weight"] == LR
    assert rates["backbone.norm.weight"] == pytest.approx(peak)
    for block, factor in ((3, 1), (2, 0.5), (1, 0.25), (0, 0.125)):
        assert rates[f"backbone.blocks.{block}.attn.qkv.weight"] == pytest.approx(peak * factor)
    for name in ("patch_embed.proj.weight", "pos_embed", "cls_token"):
        assert rates[f"backbone.{name}"] == pytest.approx(peak / 16)
    selectors = [name for name in rates if "selector" in name]
    assert selectors and all(rates[name] == LR for name in selectors)


def test_only_matrices_have_weight_decay() -> None:
    groups = groups_by_name(Depth(tosa()))
    decay = {name: group["weight_decay"] for name, group in groups.items()}
    assert decay["backbone.blocks.0.attn.qkv.weight"] == decay["decode_head.weight"] == 0.05
    for name in ("backbone.pos_embed", "backbone.cls_token", "backbone.norm.weight", "decode_head.bias"):
        assert decay[name] == 0


def test_another_backbone_has_one_rate() -> None:
    groups = groups_by_name(Depth(nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))), backbone_mult=0.2, layer_decay=0.5)
    rates = [group["lr"] for name, group in groups.items() if "backbone" in name]
    assert rates == pytest.approx([0.2 * LR] * 4)


def test_frozen_parameters_are_left_out() -> None:
    model = Depth(tosa())
    model.backbone.requires_grad_(False)
    assert set(groups_by_name(model)) == {"decode_head.weight", "decode_head.bias"}


def test_a_step_trains() -> None:
    model = Depth(nn.Linear(2, 4))
    cfg = {"optimizer": {"type": "AdamW", "lr": LR}}
    wrapper = LayerDecayOptimWrapperConstructor(cfg, {"backbone_mult": 0.1})(model)
    before = model.decode_head.weight.detach().clone()
    wrapper.update_params(model.decode_head(model.backbone(torch.ones(1, 2))).sum())
    assert not torch.equal(before, model.decode_head.weight)


@pytest.mark.parametrize(
    ("paramwise", "message"),
    [
        ({"layer_decay": 0}, "layer_decay=0"),
        ({"layer_decay": 1.1}, "layer_decay=1.1"),
        ({"backbone_mult": -1}, "backbone_mult=-1"),
        ({"layer_decai": 0.5}, "paramwise_cfg: unexpected keyword argument 'layer_decai'; did you mean layer_decay"),
    ],
)
def test_factors_that_are_none(paramwise, message) -> None:
    with pytest.raises(InputError, match=message):
        LayerDecayOptimWrapperConstructor({"optimizer": {"type": "AdamW", "lr": LR}}, paramwise)


def test_an_optimizer_without_a_rate() -> None:
    with pytest.raises(InputError, match="has no lr"):
        LayerDecayOptimWrapperConstructor({"optimizer": {"type": "AdamW"}})
