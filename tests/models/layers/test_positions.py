import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from timm.layers import resample_abs_pos_embed

from depthkit.models.layers.positions import resample_positions
from plain_depth_models import dino_positions, dpt_positions

sides = st.integers(1, 20)


@settings(max_examples=25)
@given(rows=sides, columns=sides, side=st.integers(1, 8))
def test_the_authors_rules(rows, columns, side):
    table = torch.randn(1, 1 + side * side, 3, generator=torch.Generator().manual_seed(rows))
    for rule, plain in (("dinov2", dino_positions), ("bilinear", dpt_positions)):
        found = resample_positions(table, (side, side), (rows, columns), rule)
        torch.testing.assert_close(found, plain(table, (rows, columns)), atol=1e-4, rtol=1e-4)


@settings(max_examples=25)
@given(rows=sides, columns=sides, side=st.integers(1, 8))
def test_timms_rule_as_products(rows, columns, side):
    table = torch.randn(1, 2 + side * side, 3, generator=torch.Generator().manual_seed(rows))
    found = resample_positions(table, (side, side), (rows, columns), "timm_products")
    plain = resample_abs_pos_embed(table, [rows, columns], [side, side], num_prefix_tokens=2)
    torch.testing.assert_close(found, plain, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("rule", ["dinov2", "bicubic", "bilinear"])
def test_a_grid_of_the_tables_size_leaves_it_exactly_as_it_is(rule):
    table = torch.randn(1, 5 + 6 * 7, 4)
    assert torch.equal(resample_positions(table, (6, 7), (6, 7), rule), table)


def test_one_side_of_the_tables_size_is_resampled_all_the_same():
    """The authors skip it only where the whole grid is that of the table."""
    table = torch.randn(1, 16, 2)
    rows = resample_positions(table, (4, 4), (4, 5), "dinov2").unflatten(1, (4, 5))[0, :, 0]
    assert not torch.allclose(rows, table.unflatten(1, (4, 4))[0, :, 0], atol=1e-3)


def test_half_precision_tables_keep_their_type_and_autocast_does_not_round():
    table = torch.randn(1, 17, 4)
    expected = resample_positions(table, (4, 4), (6, 3), "dinov2")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(resample_positions(table, (4, 4), (6, 3), "dinov2"), expected)
    assert resample_positions(table.bfloat16(), (4, 4), (6, 3), "dinov2").dtype == torch.bfloat16
