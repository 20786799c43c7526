import torch
from hypothesis import given
from hypothesis import strategies as st

from depthkit.models.layers.tokens import keep_top, restore, select


@given(st.data(), st.integers(1, 3), st.integers(1, 12), st.integers(1, 4))
def test_restore_is_the_inverse_of_select_and_leaves_the_others_bit_identical(data, batch, count, channels):
    tokens = torch.randn(batch, count, channels)
    kept = data.draw(st.integers(1, count))
    index = torch.stack([torch.randperm(count)[:kept] for _ in range(batch)])
    chosen = select(tokens, index)
    assert chosen.shape == (batch, kept, channels)
    assert torch.equal(restore(tokens, chosen, index), tokens)

    changed = restore(tokens, chosen + 1, index)
    for image in range(batch):
        others = [i for i in range(count) if i not in index[image].tolist()]
        assert torch.equal(changed[image, others], tokens[image, others])
        assert torch.equal(changed[image, index[image]], tokens[image, index[image]] + 1)


def test_restore_does_not_write_into_its_input():
    tokens = torch.zeros(1, 3, 2)
    restore(tokens, torch.ones(1, 1, 2), torch.tensor([[1]]))
    assert tokens.sum() == 0


def test_keep_top_by_hand():
    # One class token and four patches; scores .1, .4, .2, .3 and, not looked at, .9.
    tokens = torch.tensor([[[9.0, 9], [1, 0], [0, 1], [2, 0], [0, 2]]])
    scores = torch.tensor([[0.9, 0.1, 0.4, 0.2, 0.3]])
    kept, index = keep_top(tokens, scores, count=2, prefix=1, fuse=True)
    assert index.tolist() == [[1, 3]]
    # 0.1 * (1, 0) + 0.2 * (2, 0), not divided by the sum of weights.
    torch.testing.assert_close(kept, torch.tensor([[[9.0, 9], [0, 1], [0, 2], [0.5, 0]]]))
    dropped, _ = keep_top(tokens, scores, count=2, prefix=1, fuse=False)
    assert torch.equal(dropped, kept[:, :3])
