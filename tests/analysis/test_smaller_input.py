import pytest
import torch

from depthkit.analysis.smaller_input import enlarge, factors_by_time, shrink, smaller_size
from depthkit.models import DepthEstimator


@pytest.fixture
def model() -> DepthEstimator:
    return DepthEstimator(
        backbone=dict(type="DeiT", img_size=64, embed_dim=48, depth=2, num_heads=3, out_indices=(0, 1)),
        decode_head=dict(type="DPTHead", in_channels=(48, 48), channels=8, scales=(4, 2)),
    ).eval()


def test_sizes_are_multiples_and_one_at_least():
    assert smaller_size((476, 630), 0.8, 14) == (378, 504)
    assert smaller_size((28, 630), 0.01, 14) == (14, 14)
    assert shrink(torch.zeros(2, 3, 64, 96), 0.5, 16).shape == (2, 3, 32, 48)


def test_canonical_depth_stays_when_the_image_shrinks(model):
    depth = torch.full((1, 1, 32, 48), 3.0)
    assert torch.equal(enlarge(model, depth, (64, 96)), torch.full((1, 1, 64, 96), 3.0))


def test_a_factor_is_found_for_each_and_it_is_below_1(model, monkeypatch):
    images = torch.zeros(1, 3, 64, 96)
    others = {"fast": lambda images: None, "slow": lambda images: None}

    class Timing:
        def __init__(self, speedup: float) -> None:
            self.speedup = speedup

    def time_interleaved(passes, baseline, rounds, synchronize):
        for run in passes.values():
            run()
        return {"": Timing(1), "probe": Timing(1.5), "fast": Timing(4.0), "slow": Timing(0.9)}

    monkeypatch.setattr("depthkit.analysis.smaller_input.time_interleaved", time_interleaved)
    with torch.inference_mode():
        # The probe has 48 x 64 px, half as many: time grows as pixels to the power of 0.58, and a quarter of the time
        # is that of a tenth of the pixels.
        assert factors_by_time(model, others, images, 1, lambda: None) == {"fast": 0.25, "slow": 0.75}
        only = factors_by_time(model, others, torch.zeros(1, 3, 16, 16), 1, lambda: None)
    assert only == {"fast": None, "slow": None}
