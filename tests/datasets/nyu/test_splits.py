"""splits.mat: each frame in one split, or a sentence, whatever its bytes are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from depthkit.datasets.nyu.mat import read_splits
from depthkit.errors import InputError

COUNT = 12


@settings(max_examples=40)
@given(
    st.lists(st.one_of(st.integers(-2, 14), st.sampled_from([1.5, np.nan, np.inf, 1e300])), max_size=4),
    st.lists(st.integers(1, COUNT), min_size=1, max_size=4, unique=True),
)
def test_only_frames_each_once(tmp_path_factory, train, test):
    path = tmp_path_factory.mktemp("splits") / "splits.mat"
    savemat(path, {"trainNdxs": np.array(train, float)[:, None], "testNdxs": np.array(test, np.uint16)[:, None]})
    valid = train and all(1 <= x <= COUNT and x == int(x) for x in train if np.isfinite(x))
    valid = valid and np.isfinite(train).all() and len({*train, *test}) == len(train) + len(test)
    if valid:
        assert read_splits(path, COUNT) == {"train": [int(x) - 1 for x in train], "test": [x - 1 for x in test]}
    else:
        with pytest.raises(InputError, match="^.*splits.mat: "):
            read_splits(path, COUNT)


@settings(max_examples=100)
@given(st.data())
def test_flipped_bits_give_frames_or_a_sentence(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("splits") / "splits.mat"
    splits = {"trainNdxs": np.array([[1], [3]], "u2"), "testNdxs": np.array([[2], [4]], "u2")}
    savemat(path, splits, do_compression=data.draw(st.booleans()))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 10))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    try:
        found = read_splits(path, COUNT)
    except InputError as error:
        assert str(error).startswith(f"{path}: ")
    else:
        assert {*found["train"], *found["test"]} <= set(range(COUNT))
