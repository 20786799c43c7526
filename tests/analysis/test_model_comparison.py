import numpy as np
import pytest

from depthkit import DepthPredictor
from depthkit.analysis.model_comparison import draw_comparison
from depthkit.datasets.rooms.dataset import RoomGenerator
from depthkit.errors import InputError
from depthkit.models.selective import make_selective


@pytest.fixture(scope="module")
def frames():
    rooms = RoomGenerator(2, (60, 80), 5)
    return [rooms.read(entry) for entry in rooms.entries()]


def packaged(keep_rate: float | None = None) -> DepthPredictor:
    predictor = DepthPredictor.from_pretrained("rooms-deit-tiny", device="cpu")
    if keep_rate is not None:
        predictor.model = make_selective(predictor.model, keep_rate)
    return predictor


def test_each_frame_gets_a_row_and_a_model_that_selects_a_panel_more(frames):
    dense = draw_comparison(frames, {"dense": packaged()}, 6)
    one = draw_comparison(frames[:1], {"dense": packaged()}, 6)
    both = draw_comparison(frames[:1], {"dense": packaged(), "selective": packaged(0.5)}, 5)
    assert dense.dtype == np.uint8 and dense.shape[0] == 2 * one.shape[0]
    assert (dense[: one.shape[0], : one.shape[1]] == one).all()
    assert both.shape[1] > one.shape[1]


def test_a_layer_through_which_every_token_goes_is_named(frames):
    with pytest.raises(InputError, match="layer 3: every token goes through it; choose one of "):
        draw_comparison(frames[:1], {"selective": packaged(0.5)}, 3)
