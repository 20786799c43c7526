"""How many patches a part of them is: Python's own rounding, in the graph as outside."""

import math

import pytest
import torch

from depthkit.models.layers.patch_counts import fraction_of


@pytest.mark.parametrize(
    ("patches", "rate", "rounding", "expected"),
    [
        (196, 0.5, round, 98),
        (195, 0.5, round, 98),  # 97.5: half to even
        (197, 0.5, round, 98),  # 98.5
        (9, 0.05, round, 1),  # 0.45, but one at least
        (196, 1.0, round, 196),
        (196, 0.7, math.ceil, 138),  # 137.2
        (10, 0.7, math.ceil, 7),
    ],
)
def test_by_hand(patches, rate, rounding, expected):
    assert fraction_of(patches, rate, rounding) == expected


@pytest.mark.parametrize(("rate", "rounding"), [(0.7, round), (0.5, round), (1.0, round), (0.7, math.ceil)])
def test_the_graph_counts_as_python_does(rate, rounding):
    class Counting(torch.nn.Module):
        def forward(self, x):
            count = fraction_of(x.shape[0], rate, rounding)
            return x.new_ones(count)

    sizes = {"x": {0: torch.export.Dim("n", min=4)}}
    graph = torch.export.export(Counting(), (torch.zeros(30),), dynamic_shapes=sizes, strict=False).module()
    # Among them sizes at which float32 would round to the other side: 0.7 * 45 = 31.5.
    for patches in (4, 30, 45, 85, 165, 195, 197, 1200):
        assert len(graph(torch.zeros(patches))) == fraction_of(patches, rate, rounding)
