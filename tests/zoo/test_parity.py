"""Published depth models compute what their authors' code and transformers compute; with random weights, float32.

`python -m pytest tests/zoo/test_parity.py -s` prints the largest differences.
"""

import dataclasses

import pytest
import torch

import plain_depth_models as plain
from depthkit.registry import MODELS
from depthkit.zoo.layouts import to_depthkit
from plain_depth_models import BASE, LARGE, NARROW, SMALL

TOLERANCE = 1e-4  # of the largest value of the output

V1_TAPS = {SMALL: (8, 9, 10, 11), BASE: (8, 9, 10, 11), LARGE: (20, 21, 22, 23)}


def build(kind, size, **head):
    """Build one of our models on the meta device: "depth_anything", "depth_anything_3" or "dpt"."""
    vit = dict(embed_dim=size.dim, depth=size.depth, num_heads=size.heads, out_indices=size.taps)
    backbone, readout, divisor = dict(type="DINOv2"), "ignore", 14
    if kind == "dpt":
        backbone, readout, divisor = dict(type="DeiT", img_size=384, position_resampling="bilinear"), "project", 32
    if kind == "depth_anything_3":
        backbone, head = dict(type="DINOv2", norm_eps=1e-5), dict(activation="exp", sky=True)
    decoder = dict(type="DPTHead", in_channels=(size.dim,) * 4, level_channels=size.widths, channels=size.fusion)
    decoder |= dict(readout=readout, **(head or dict(activation="relu")))
    with torch.device("meta"):
        return MODELS.build(
            dict(type="DepthEstimator", backbone=backbone | vit, decode_head=decoder, size_divisor=divisor)
        ).eval()


def load(model, state):
    model.load_state_dict(to_depthkit(state, model, "weights.pth"), assign=True)
    return model


def images(height, width, batch=1):
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def assert_same(label, model, reference, inputs):
    expected = reference(inputs)
    found = model(inputs)[:, 0]
    scale = expected.abs().max()
    difference = (found - expected).abs().max()
    size = "x".join(map(str, inputs.shape[-2:]))
    print(
        f"\n{label}, {size}: largest difference {difference:.2g}, {difference / scale:.2g} of the largest value", end=""
    )
    assert found.shape == expected.shape
    assert expected.std() > 0.05 * scale  # else anything would pass
    assert (expected == 0).float().mean() < 0.5
    assert difference <= TOLERANCE * scale


# The authors' layouts, against plain code.

SIZES = [(518, 518), (518, 686), (252, 336), (70, 98)]
METRIC = dict(activation="range", min_depth=0.0)


@pytest.mark.parametrize("size", SIZES)
def test_depth_anything(size):
    weights = plain.random_weights(plain.depth_anything_shapes(NARROW))
    model = load(build("depth_anything", NARROW), weights)
    assert_same(
        "Depth-Anything, authors' layout, narrow",
        model,
        lambda x: plain.depth_anything(weights, x, NARROW),
        images(*size),
    )


@pytest.mark.parametrize("max_depth", [20.0, 80.0])
def test_depth_anything_metric(max_depth):
    weights = plain.random_weights(plain.depth_anything_shapes(NARROW), lift=0)
    model = load(build("depth_anything", NARROW, max_depth=max_depth, **METRIC), weights)
    assert_same(
        f"metric Depth-Anything ({max_depth:g} m), authors' layout, narrow",
        model,
        lambda x: plain.depth_anything(weights, x, NARROW, max_depth),
        images(252, 336, batch=2),
    )


@pytest.mark.parametrize("size", [(252, 336), (280, 280)])
def test_depth_anything_3(size):
    weights = plain.random_weights(plain.depth_anything_3_shapes(NARROW), lift=0)
    model = load(build("depth_anything_3", NARROW), weights)
    is_sky = []

    def reference(x):
        depth = plain.depth_anything_3(weights, x, NARROW)
        is_sky.append((depth == depth.mode().values.mode().values).float().mean())
        return depth

    assert_same("Depth-Anything-3, authors' layout, narrow", model, reference, images(*size))
    assert 0.05 < is_sky[0] < 0.95


@pytest.mark.parametrize("size", [(384, 384), (288, 480), (64, 96)])
def test_dpt(size):
    weights = plain.random_weights(plain.dpt_shapes(NARROW))
    model = load(build("dpt", NARROW), weights)
    assert_same("DPT, authors' layout, narrow", model, lambda x: plain.dpt(weights, x, NARROW), images(*size))


SMALL_V1 = dataclasses.replace(SMALL, taps=V1_TAPS[SMALL])
slow = pytest.mark.slow
REAL = [
    pytest.param("depth_anything", SMALL, id="V2 small"),
    pytest.param("depth_anything", SMALL_V1, id="V1 small"),
    pytest.param("depth_anything", BASE, id="V2 base", marks=slow),
    pytest.param("depth_anything", LARGE, id="V2 large", marks=slow),
    pytest.param("depth_anything_3", LARGE, id="DA3 large", marks=slow),
    pytest.param("dpt", LARGE, id="DPT large", marks=slow),
]


@pytest.mark.parametrize(("kind", "size"), REAL)
def test_real_sizes(kind, size, request):
    weights = plain.random_weights(getattr(plain, f"{kind}_shapes")(size), lift=0.1 * (kind != "depth_anything_3"))
    model = load(build(kind, size), weights)
    label = request.node.callspec.id
    inputs = images(96, 128) if kind == "dpt" else images(84, 112)
    assert_same(f"{label}, authors' layout", model, lambda x: getattr(plain, kind)(weights, x, size), inputs)


# The layout of transformers, against its own models.


def transformers_depth_anything(size, table=518, max_depth=None):
    transformers = pytest.importorskip("transformers")
    backbone = transformers.Dinov2Config(
        hidden_size=size.dim,
        num_hidden_layers=size.depth,
        num_attention_heads=size.heads,
        image_size=table,
        patch_size=14,
        out_indices=[tap + 1 for tap in size.taps],
        apply_layernorm=True,
        reshape_hidden_states=False,
    )
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=size.dim,
        neck_hidden_sizes=size.widths,
        fusion_hidden_size=size.fusion,
        depth_estimation_type="metric" if max_depth else "relative",
        max_depth=max_depth or 1,
    )
    return with_random_weights(transformers.DepthAnythingForDepthEstimation, config, lift=0 if max_depth else 0.1)


def transformers_dpt(size):
    transformers = pytest.importorskip("transformers")
    config = transformers.DPTConfig(
        hidden_size=size.dim,
        num_hidden_layers=size.depth,
        num_attention_heads=size.heads,
        intermediate_size=4 * size.dim,
        backbone_out_indices=size.taps,
        neck_hidden_sizes=size.widths,
        fusion_hidden_size=size.fusion,
    )
    return with_random_weights(transformers.DPTForDepthEstimation, config, lift=0.1)


def with_random_weights(make, config, lift):
    with torch.device("meta"):
        model = make(config).eval()
    weights = plain.random_weights({name: value.shape for name, value in model.state_dict().items()}, lift)
    model.load_state_dict(weights, assign=True)
    return model


@pytest.fixture
def authors_positions(monkeypatch):
    """transformers resamples without the authors' offset since 2024 (its PR 33226): give it back."""
    module = pytest.importorskip("transformers.models.dinov2.modeling_dinov2")

    def interpolate(self, embeddings, height, width):
        return plain.dino_positions(self.position_embeddings, (height // 14, width // 14))

    monkeypatch.setattr(module.Dinov2Embeddings, "interpolate_pos_encoding", interpolate)


def predicted(model):
    return lambda inputs: model(inputs).predicted_depth


def test_transformers_depth_anything_as_it_is():
    """At the size of the table nothing is resampled, so that there is nothing to give back."""
    theirs = transformers_depth_anything(NARROW)
    model = load(build("depth_anything", NARROW), theirs.state_dict())
    assert_same("Depth-Anything, transformers, narrow", model, predicted(theirs), images(518, 518))


@pytest.mark.parametrize("size", SIZES[1:])
def test_transformers_depth_anything(size, authors_positions):
    theirs = transformers_depth_anything(NARROW)
    model = load(build("depth_anything", NARROW), theirs.state_dict())
    assert_same("Depth-Anything, transformers, narrow", model, predicted(theirs), images(*size))


@pytest.mark.parametrize("max_depth", [20, 80])
def test_transformers_depth_anything_metric(max_depth, authors_positions):
    theirs = transformers_depth_anything(NARROW, max_depth=max_depth)
    model = load(build("depth_anything", NARROW, max_depth=max_depth, **METRIC), theirs.state_dict())
    label = f"metric Depth-Anything ({max_depth} m), transformers, narrow"
    assert_same(label, model, predicted(theirs), images(252, 336))


def test_a_file_of_transformers(tmp_path):
    """Its files name the parts of attention in another way than its models in memory."""
    safetensors = pytest.importorskip("safetensors.torch")
    theirs = transformers_depth_anything(NARROW)
    theirs.save_pretrained(tmp_path)
    state = safetensors.load_file(tmp_path / "model.safetensors")
    assert state.keys() != theirs.state_dict().keys()
    model = load(build("depth_anything", NARROW), state)
    assert_same("Depth-Anything, a file of transformers, narrow", model, predicted(theirs), images(518, 518))


def test_transformers_dpt():
    theirs = transformers_dpt(NARROW)
    model = load(build("dpt", NARROW), theirs.state_dict())
    assert_same("DPT, transformers, narrow", model, predicted(theirs), images(192, 192))  # it takes squares only


@pytest.mark.parametrize(("kind", "size"), [one for one in REAL if one.values[0] != "depth_anything_3"])
def test_transformers_real_sizes(kind, size, request, authors_positions):
    theirs = transformers_dpt(size) if kind == "dpt" else transformers_depth_anything(size)
    model = load(build(kind, size), theirs.state_dict())
    inputs = images(96, 96) if kind == "dpt" else images(84, 112)
    assert_same(f"{request.node.callspec.id}, transformers", model, predicted(theirs), inputs)
