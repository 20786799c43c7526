import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from depthkit.errors import InputError
from depthkit.models import DPTHead


def maps(height: int, width: int, with_prefix: bool = True, channels: int = 8):
    one = [torch.randn(2, channels, height, width) for _ in range(4)]
    return [(m, torch.randn(2, 1, channels)) for m in one] if with_prefix else one


@pytest.mark.parametrize("readout", ["ignore", "add", "project"])
@settings(max_examples=10, deadline=None)
@given(height=st.integers(1, 9), width=st.integers(1, 9))
def test_any_grid_gives_depth_of_the_images_size_within_the_range(readout, height, width):
    head = DPTHead([8] * 4, channels=4, readout=readout, min_depth=0.5, max_depth=3.0)
    depth = head(maps(height, width), (16 * height, 16 * width))
    assert depth.shape == (2, 1, 16 * height, 16 * width)
    assert depth.dtype == torch.float32
    assert depth.min() >= 0.5 and depth.max() <= 3.0


def test_the_range_holds_for_extreme_features():
    head = DPTHead([8] * 4, channels=4)
    depth = head([(m * 1e4, p) for m, p in maps(2, 3)], (32, 48))
    assert depth.min() >= 1e-3 and depth.max() <= 10.0


def test_half_precision_features_still_give_float32_metres():
    head = DPTHead([8] * 4, channels=4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert head(maps(2, 3), (32, 48)).dtype == torch.float32


def test_the_class_token_matters_where_it_is_read_and_only_there():
    features = maps(3, 4)
    other = [(m, p + 1) for m, p in features]
    for readout in ("ignore", "add", "project"):
        head = DPTHead([8] * 4, channels=4, readout=readout)
        same = torch.equal(head(features, (48, 64)), head(other, (48, 64)))
        assert same == (readout == "ignore")


def test_a_pyramid_of_maps_is_taken_as_it_is():
    head = DPTHead([4, 8, 16, 32], channels=4, scales=(1, 1, 1, 1), readout="ignore")
    pyramid = [torch.randn(1, c, 64 // s, 96 // s) for c, s in zip((4, 8, 16, 32), (4, 8, 16, 32), strict=True)]
    assert head(pyramid, (64, 96)).shape == (1, 1, 64, 96)


def test_loss_masks_what_is_no_measurement_or_out_of_range():
    head = DPTHead([8] * 4, channels=4, max_depth=10.0)
    depth = torch.full((1, 1, 2, 3), 2.0)
    gt = torch.tensor([[[[2.0, 0.0, 50.0], [float("nan"), float("inf"), -1.0]]]])
    assert head.loss(depth, gt) == {"loss_silog": torch.tensor(0.0)}


ORIGINAL = dict(channels=8, level_channels=(4, 6, 8, 10), readout="ignore")


@pytest.mark.parametrize(("activation", "least", "most"), [("range", 0.5, 3.0), ("relu", 0, None), ("exp", 0, None)])
def test_the_original_form_gives_its_activations_range_at_the_size_of_the_image(activation, least, most):
    head = DPTHead([8] * 4, **ORIGINAL, activation=activation, min_depth=0.5, max_depth=3.0)
    for height, width in [(5, 7), (2, 2), (1, 1)]:
        out = head(maps(height, width, with_prefix=False), (14 * height, 14 * width))
        assert out.shape == (2, 1, 14 * height, 14 * width) and out.dtype == torch.float32
        assert out.min() >= least and (most is None or out.max() <= most)


def test_the_original_form_has_a_width_for_each_level():
    head = DPTHead([8] * 4, **ORIGINAL)
    assert [adapter.weight.shape for adapter in head.adapters] == [(8, width, 3, 3) for width in (4, 6, 8, 10)]
    assert all(adapter.bias is None for adapter in head.adapters)
    assert head.head[0].out_channels == 32  # whatever the width, as in all published models


def test_the_compact_form_has_no_parts_of_the_original():
    names = {name.split(".")[0] for name in DPTHead([8] * 4, channels=8).state_dict()}
    assert names == {"readouts", "resamples", "laterals", "fusions", "head"}


def test_the_sky_goes_to_the_far_end_in_evaluation_only():
    torch.manual_seed(0)
    head = DPTHead([8] * 4, **ORIGINAL, activation="exp", sky=True)
    without = DPTHead([8] * 4, **ORIGINAL, activation="exp")
    without.load_state_dict(head.state_dict(), strict=False)
    features = [20 * one for one in maps(3, 4, with_prefix=False)]
    scores = []
    head.sky_head.register_forward_hook(lambda module, args, output: scores.append(output))
    head.eval()(features, (42, 56))
    with torch.no_grad():
        head.sky_head[-1].bias += 0.3 - scores[0].median()  # half of the pixels are sky
    assert torch.equal(head.train()(features, (42, 56)), without(features, (42, 56)))
    filled = head.eval()(features, (42, 56))
    assert not torch.equal(filled, without(features, (42, 56)))
    values, counts = filled[0].unique(return_counts=True)
    assert counts.max() > 500 and values[counts.argmax()] > without(features, (42, 56))[0].median()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(level_channels=(4, 4)), "expected one for each of level_channels=(4, 4)"),
        (dict(activation="sigmoid"), "activation='sigmoid': expected one of"),
        (dict(sky=True), "sky=True: expected level_channels and activation='exp' with it"),
        (dict(readout="mean"), "readout='mean': expected one of 'ignore', 'add' or 'project'"),
        (dict(min_depth=-1), "min_depth=-1: expected a number of 0 or more"),
        (dict(min_depth=20), "min_depth=20.0, max_depth=10.0: expected min_depth < max_depth"),
        (dict(scales=(1, 1)), "expected one for each of scales=(1.0, 1.0)"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(InputError) as error:
        DPTHead([8] * 4, **arguments)
    assert message in str(error.value)


def test_maps_that_do_not_go_with_the_head():
    with pytest.raises(InputError, match="use readout='ignore'"):
        DPTHead([8] * 4, channels=4)(maps(2, 2, with_prefix=False), (32, 32))
    with pytest.raises(InputError, match="gives 3 maps; expected 4"):
        DPTHead([8] * 4, channels=4)(maps(2, 2)[:3], (32, 32))
    with pytest.raises(InputError, match=r"in_channels=\(8, 8, 8, 9\): expected \(8, 8, 8, 8\)"):
        DPTHead([8, 8, 8, 9], channels=4)(maps(2, 2), (32, 32))
