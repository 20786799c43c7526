import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.export import Dim

from depthkit.export.onnx_graph import write_onnx
from depthkit.models.layers.merging import TokenGroups, match, merge


def test_match_by_hand():
    # A: tokens 0, 2, 4; B: tokens 1, 3. Token 4 is most like 3, then 0 like 1; 2 is like neither.
    metric = torch.tensor([[[1.0, 0.1], [2.0, 0], [-1, -1], [0, 1], [0, 5]]])
    for count, expected in ((1, {4: 3}), (2, {4: 3, 0: 1})):
        source, target = match(metric, count)
        assert dict(zip(source[0].tolist(), target[0].tolist(), strict=True)) == expected


def test_merge_by_hand_is_a_mean_weighted_by_size():
    tokens = torch.tensor([[[9.0], [1.0], [3.0], [5.0], [8.0]]])  # a class token and four patches
    metric = torch.tensor([[[0.0, 0], [1, 0], [1, 0], [1, 1], [-1, 0]]])  # of A: patches 0 and 2; of B: 1 and 3
    left, sizes, place = merge(tokens, None, metric, count=1, prefix=1)
    assert left[0, :, 0].tolist() == [9, 2, 5, 8]
    assert sizes.tolist() == [[1, 2, 1, 1]]
    assert place.tolist() == [[0, 1, 1, 2, 3]]
    again = torch.tensor([[[0.0, 0], [1, 0], [1, 0], [0, 1]]])
    left, sizes, place = merge(left, sizes, again, count=1, prefix=1)
    assert left[0, :, 0].tolist() == [9, (2 * 2 + 5) / 3, 8]
    assert sizes.tolist() == [[1, 3, 1]]


@settings(max_examples=25)
@given(st.integers(1, 3), st.integers(2, 15), st.integers(0, 2), st.data())
def test_nothing_is_lost_and_every_member_shows_its_group(batch, patches, prefix, data):
    tokens, groups = torch.rand(batch, prefix + patches, 4, dtype=torch.float64), TokenGroups()
    total, x = tokens.sum(1), tokens
    assert groups.spread(x) is x
    while x.shape[1] - prefix > 1:
        count = data.draw(st.integers(1, (x.shape[1] - prefix + 1) // 2))
        x, sizes, place = merge(x, groups.sizes, x, count, prefix)
        groups.follow(sizes, place)
        torch.testing.assert_close((x * sizes[..., None]).sum(1), total)
        assert (sizes.sum(1) == prefix + patches).all() and (sizes[:, :prefix] == 1).all()
        shown = groups.spread(x)
        assert shown.shape == tokens.shape and torch.equal(shown[:, :prefix], tokens[:, :prefix])
        torch.testing.assert_close(shown.sum(1), total)  # as each group is shown as often as it has members


class MergeTwice(torch.nn.Module):
    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        groups, x = TokenGroups(), tokens
        for _ in range(2):
            x, sizes, place = merge(x, groups.sizes, x, (x.shape[1] - 1) // 4, prefix=1)
            groups.follow(sizes, place)
        return groups.spread(x)


@pytest.mark.slow
def test_onnxruntime_merges_any_number_of_tokens(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    shapes = {"tokens": {1: 4 * Dim("quarter", min=3) + 1}}
    program = torch.export.export(
        MergeTwice(), (torch.rand(2, 21, 4),), dynamic_shapes=shapes, strict=False,
        prefer_deferred_runtime_asserts_over_guards=True,
    )  # fmt: skip
    write_onnx(program, ("shown",), {}, tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    for shape in ((2, 13, 4), (2, 37, 4)):
        tokens = torch.rand(shape)
        shown = torch.from_numpy(session.run(None, {session.get_inputs()[0].name: tokens.numpy()})[0])
        torch.testing.assert_close(shown, MergeTwice()(tokens))
