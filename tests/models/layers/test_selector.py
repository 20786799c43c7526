import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from depthkit.models.layers.selector import (
    TokenSelector,
    importance,
    num_kept,
    score_queries,
    selector_loss,
    top_patches,
)


def test_selector_starts_at_the_identity():
    maps = torch.randn(2, 3, 5, 7)
    assert torch.equal(TokenSelector(3)(maps), maps)


def test_selector_is_pointwise_so_a_subset_of_rows_gives_exactly_those_rows():
    selector = TokenSelector(3)
    torch.nn.init.normal_(selector.mix.weight)
    maps = torch.randn(2, 3, 10, 10)
    rows = [0, 3, 7]
    torch.testing.assert_close(selector(maps[:, :, rows]), selector(maps)[:, :, rows])


def test_a_deeper_selector_starts_at_the_identity_and_is_pointwise_too():
    selector = TokenSelector(3, layers=2)
    maps = torch.randn(2, 3, 10, 10)
    torch.testing.assert_close(selector(maps), maps)
    torch.nn.init.normal_(selector.out.weight)
    by_hand = selector.mix(maps) + selector.out(torch.nn.functional.gelu(selector.hidden(maps)))
    torch.testing.assert_close(selector(maps), by_hand)
    torch.testing.assert_close(selector(maps[:, :, 3:5]), selector(maps)[:, :, 3:5])


def test_without_layers_the_selector_is_the_current_map():
    selector = TokenSelector(3, layers=0)
    maps = torch.randn(2, 3, 5, 7)
    assert selector(maps) is maps and not list(selector.parameters())


def test_the_prefix_rows_may_weigh_as_much_as_all_the_others():
    maps = torch.randn(2, 3, 5, 7)
    attention = maps.softmax(-1)
    expected = (attention[:, :, 0] + attention[:, :, 1:].mean(2)) / 2
    torch.testing.assert_close(importance(maps, 1, 0.5), expected)
    torch.testing.assert_close(importance(maps, 1, 0.2), importance(maps, 1, None))  # 1 of 5 rows
    torch.testing.assert_close(importance(maps[:, :, :1], 1, 0.5), attention[:, :, 0])
    torch.testing.assert_close(importance(maps, 0, 0.5), attention.mean(2))


def test_importance_is_the_mean_attention_received():
    # One head, two queries, two keys: softmax([0, ln 3]) = (1/4, 3/4), softmax([0, 0]) = (1/2, 1/2).
    maps = torch.tensor([[[[0.0, 3.0], [0.0, 1.0]]]])
    maps[0, 0] = torch.tensor([[0.0, torch.log(torch.tensor(3.0))], [0.0, 0.0]])
    torch.testing.assert_close(importance(maps), torch.tensor([[[0.375, 0.625]]]))


@pytest.mark.parametrize(("rate", "patches", "count"), [(0.5, 196, 98), (0.25, 10, 2), (0.001, 196, 1), (1, 5, 5)])
def test_num_attended(rate, patches, count):
    assert num_kept(rate, patches) == count


@given(st.integers(0, 2), st.integers(1, 9), st.data())
def test_top_patches_keeps_every_prefix_token_and_the_best_patches_in_ascending_order(prefix, patches, data):
    count = data.draw(st.integers(1, patches))
    scores = torch.rand(2, 3, prefix + patches)
    index = top_patches(scores, count, prefix)
    assert index.shape == (2, 3, prefix + count)
    assert (index.diff(dim=-1) > 0).all()
    assert torch.equal(index[..., :prefix], torch.arange(prefix).expand(2, 3, prefix))
    kept = scores.gather(-1, index)[..., prefix:]
    best = scores[..., prefix:].sort(dim=-1, descending=True).values[..., :count]
    assert torch.equal(kept.sort(dim=-1, descending=True).values, best)


def test_score_queries_all_is_every_query_and_stride_one_is_the_same():
    query = torch.randn(2, 3, 1 + 12, 4)
    assert score_queries(query, (3, 4), "all", 4) is query
    for rows in ("grid", "pooled"):
        torch.testing.assert_close(score_queries(query, (3, 4), rows, 1), query)


def test_score_queries_on_a_grid_and_pooled():
    prefix = torch.full((1, 1, 2, 1), -1.0)
    patches = torch.arange(15.0).view(1, 1, 15, 1)  # a grid of 3 x 5
    query = torch.cat([prefix, patches], dim=2)
    assert score_queries(query, (3, 5), "grid", 2).flatten().tolist() == [-1, -1, 6, 8]
    # Windows of 2 x 2, cut at the border: mean of (0, 1, 5, 6), (2, 3, 7, 8), (4, 9), (10, 11), (12, 13), (14).
    assert score_queries(query, (3, 5), "pooled", 2).flatten().tolist() == [-1, -1, 3, 5, 6.5, 10.5, 12.5, 14]


def test_selector_loss_is_the_kl_divergence_and_gives_the_teacher_no_gradient():
    predicted = torch.tensor([[[[0.0, 0.0]]]], requires_grad=True)
    true = torch.log(torch.tensor([[[[0.25, 0.75]]]])).requires_grad_()
    loss = selector_loss(predicted, true)
    expected = 0.25 * torch.tensor(0.25 / 0.5).log() + 0.75 * torch.tensor(0.75 / 0.5).log()
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert true.grad is None
    # The gradient of KL in the logits is softmax(predicted) - true.
    torch.testing.assert_close(predicted.grad, torch.tensor([[[[0.25, -0.25]]]]))
