"""Weights of published models are read strictly: all of them and nothing else, or one sentence says why not."""

import pytest
import torch

import plain_depth_models as plain
from depthkit.errors import InputError
from depthkit.registry import MODELS
from depthkit.zoo.layout_names import LAYOUTS
from depthkit.zoo.layouts import to_depthkit
from plain_depth_models import BASE, LARGE, NARROW, SMALL

AUTHORS, TRANSFORMERS, DA3, DPT, DPT_TRANSFORMERS = LAYOUTS


def build(size, backbone="DINOv2", sky=False):
    vit = dict(type=backbone, embed_dim=size.dim, depth=size.depth, num_heads=size.heads, out_indices=size.taps)
    if backbone == "DeiT":
        vit |= dict(img_size=384, position_resampling="bilinear")
    head = dict(type="DPTHead", in_channels=(size.dim,) * 4, level_channels=size.widths, channels=size.fusion)
    head |= dict(readout="project" if backbone == "DeiT" else "ignore", activation="exp", sky=sky)
    with torch.device("meta"):
        return MODELS.build(dict(type="DepthEstimator", backbone=vit, decode_head=head))


def on_meta(shapes):
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def transformers_names(size, layout=TRANSFORMERS):
    """The tensors of a file of transformers, from the table itself: here their shapes matter, not their names."""
    own = build(size, "DINOv2" if layout is TRANSFORMERS else "DeiT").state_dict()
    state = {}
    for name, value in own.items():
        theirs = layout.name_of(name)
        for part in ("query", "key", "value"):
            split = "{qkv}" in theirs
            state[theirs.replace("{qkv}", part)] = value[: len(value) // 3] if split else value
    if layout is TRANSFORMERS:
        state["backbone.embeddings.mask_token"] = torch.empty(1, size.dim, device="meta")
    return state


@pytest.mark.parametrize(
    ("size", "tensors", "parameters"), [(SMALL, 239, 24_785_089), (BASE, 239, 97_470_785), (LARGE, 407, 335_315_649)]
)
def test_the_real_files_of_depth_anything(size, tensors, parameters):
    """Counts of the published code; all but the mask token and one unit of the coarsest fusion are used."""
    state = on_meta(plain.depth_anything_shapes(size))
    assert len(state) == tensors
    assert sum(value.numel() for value in state.values()) == parameters
    converted = to_depthkit(state, build(size), "weights.pth")
    unused = size.dim + 2 * (9 * size.fusion + 1) * size.fusion
    assert sum(value.numel() for value in converted.values()) == parameters - unused
    assert len(converted) == tensors - 5


@pytest.mark.parametrize(("size", "tensors"), [(SMALL, 287), (BASE, 287), (LARGE, 503)])
def test_the_real_files_of_transformers(size, tensors):
    state = transformers_names(size)
    unit = "neck.fusion_stage.layers.0.residual_layer1.convolution{}.{}"
    state |= {unit.format(n, p): torch.empty(1, device="meta") for n in (1, 2) for p in ("weight", "bias")}
    assert len(state) == tensors
    assert len(to_depthkit(state, build(size), "model.safetensors")) == {SMALL: 234, BASE: 234, LARGE: 402}[size]


def test_the_real_files_of_dpt_and_depth_anything_3():
    model = build(LARGE, "DeiT")
    assert to_depthkit(on_meta(plain.dpt_shapes(LARGE)), model, "x.pt").keys() == model.state_dict().keys()
    state = transformers_names(LARGE, DPT_TRANSFORMERS) | on_meta({"dpt.pooler.dense.bias": (1024,)})
    assert to_depthkit(state, model, "x.safetensors").keys() == model.state_dict().keys()
    model = build(LARGE, sky=True)
    state = on_meta(plain.depth_anything_3_shapes(LARGE))
    assert to_depthkit(state, model, "x.safetensors").keys() == model.state_dict().keys()


def test_our_own_file_is_taken_as_it_is():
    model = build(NARROW)
    assert to_depthkit(model.state_dict(), model, "x.pth").keys() == model.state_dict().keys()


def message(state, model):
    with pytest.raises(InputError) as caught:
        to_depthkit(state, model, "weights.pth")
    text = str(caught.value)
    assert text.startswith("weights.pth: ") and "\n" not in text
    return text


def test_a_file_of_another_size_says_which():
    text = message(on_meta(plain.depth_anything_shapes(BASE)), build(SMALL))
    assert "looks like Depth-Anything 1 or 2 Base (768 channels, 12 layers)" in text
    assert "expected Small (384 channels, 12 layers)" in text
    text = message(transformers_names(SMALL), build(LARGE))
    assert "Depth-Anything 1 or 2 (of transformers) Small (384 channels, 12 layers)" in text


def test_a_file_of_another_kind_says_which():
    narrow = on_meta(plain.depth_anything_shapes(NARROW))
    model, with_sky = build(NARROW), build(NARROW, sky=True)
    assert "looks like Depth-Anything-3" in message(on_meta(plain.depth_anything_3_shapes(NARROW)), model)
    assert "looks like Depth-Anything 1 or 2 of its own size (48 channels, 4 layers)" in message(narrow, with_sky)
    assert "looks like DPT" in message(on_meta(plain.dpt_shapes(NARROW)), model)
    assert "looks like depthkit's own model" in message(with_sky.state_dict(), model)
    others = {
        "pretrained.model.patch_embed.backbone.stem.conv.weight": "DPT-Hybrid",
        "model.cam_dec.backbone.0.weight": "an any-view model of Depth-Anything-3",
        "model.da3.backbone.pretrained.cls_token": "the nested model",
        "core.core.pretrained.model.cls_token": "ZoeDepth",
        "blocks.0.attn.qkv.weight": "a vision transformer without a decoder",
    }
    for name, what in others.items():
        assert f"holds {what}" in message({**narrow, name: torch.empty(1)}, model)
    assert "is not a file of Depth-Anything or DPT" in message({"conv1.weight": torch.empty(1)}, model)


@pytest.mark.parametrize("name", ["pretrained.blocks.1.attn.qkv.bias", "depth_head.scratch.layer2_rn.weight"])
def test_a_file_that_lacks_a_tensor(name):
    state = on_meta(plain.depth_anything_shapes(NARROW))
    del state[name]
    assert f"1 tensor ({name}) missing" in message(state, build(NARROW))


def test_a_tensor_that_no_model_of_the_kind_has():
    state = on_meta(plain.depth_anything_shapes(NARROW) | {"depth_head.extra.weight": (1,)})
    assert "1 tensor (depth_head.extra.weight) unknown" in message(state, build(NARROW))


def test_a_tensor_of_another_shape():
    state = on_meta(plain.depth_anything_shapes(NARROW) | {"pretrained.pos_embed": (1, 257, NARROW.dim)})
    assert "1 tensor (backbone.pos_embed) of another shape" in message(state, build(NARROW))


@pytest.mark.parametrize(
    ("dtype", "expected"), [(torch.int8, "int8 numbers"), (torch.complex64, "complex64 numbers"), (None, "not finite")]
)
@pytest.mark.parametrize("name", ["pretrained.norm.weight", "pretrained.blocks.1.attn.qkv.bias"])
def test_numbers_that_are_no_weights(name, dtype, expected):
    state = {key: torch.zeros(value) for key, value in plain.depth_anything_shapes(NARROW).items()}
    to_depthkit(state, build(NARROW), "weights.pth")
    bad = torch.full_like(state[name], torch.nan) if dtype is None else state[name].to(dtype)
    text = message(state | {name: bad}, build(NARROW))
    assert text.startswith(f"weights.pth: {name} holds ") and expected in text


@pytest.mark.parametrize("part", ["query", "value"])
def test_the_type_of_each_part_counts(part):
    state = {key: torch.zeros(value.shape) for key, value in transformers_names(NARROW).items()}
    to_depthkit(state, build(NARROW), "weights.pth")
    name = f"backbone.encoder.layer.2.attention.attention.{part}.weight"
    assert f"{name} holds int8 numbers" in message(state | {name: state[name].to(torch.int8)}, build(NARROW))


def test_a_number_too_large_for_float32():
    state = {key: torch.zeros(value).double() for key, value in plain.depth_anything_shapes(NARROW).items()}
    name = "pretrained.norm.weight"
    assert "not finite" in message(state | {name: torch.full_like(state[name], 1e300)}, build(NARROW))
