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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
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
