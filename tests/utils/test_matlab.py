"""What scipy writes is read as it is; whatever else is in a file, it is read or refused, and never a crash."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.io import savemat

from depthkit.errors import InputError
from depthkit.utils.matlab import read_mat

NUMBERS = st.sampled_from(["i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8", "i8", "u8", "c16"])
ARRAYS = NUMBERS.flatmap(lambda dtype: arrays(dtype, array_shapes(min_dims=2, max_dims=3, max_side=4)))


@settings(max_examples=60)
@given(ARRAYS, st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=9), st.booleans())
def test_variables_come_back(tmp_path_factory, numbers, text, compressed):
    path = tmp_path_factory.mktemp("mat") / "a.mat"
    savemat(path, {"numbers": numbers, "text": text, "rest": np.ones((3, 3))}, do_compression=compressed)
    read_numbers, read_text = read_mat(path, ["numbers", "text"], "a test")
    np.testing.assert_array_equal(read_numbers, numbers)
    assert read_text == text


def test_structs_and_cells(tmp_path):
    rows = np.array([(1, "one", 2.5), (2, "two", 3.5)], dtype=[("id", "O"), ("name", "O"), ("x", "O")])
    cell = np.array([np.arange(3), "text"], dtype=object)
    savemat(tmp_path / "a.mat", {"rows": rows[:, None], "cell": cell[None]})
    (read_rows, read_cell) = read_mat(tmp_path / "a.mat", ["rows", "cell"], "a test")
    assert [(row["id"].item(), row["name"], row["x"].item()) for row in read_rows] == [(1, "one", 2.5), (2, "two", 3.5)]
    assert read_cell[0].tolist() == [[0, 1, 2]] and read_cell[1] == "text"


@settings(max_examples=200)
@given(st.data())
def test_flipped_bits_are_read_or_refused(tmp_path_factory, data):
    stream = io.BytesIO()
    rows = np.array([(1, "one")], dtype=[("id", "O"), ("name", "O")])
    savemat(stream, {"a": np.arange(9.0)[None], "rows": rows}, do_compression=data.draw(st.booleans()))
    content = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 10))):
        content[data.draw(st.integers(124, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path_factory.mktemp("mat") / "a.mat"
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        read_mat(path, ["a", "rows"], "a test")
    except InputError as error:
        assert str(error).startswith(f"{path}: ")


@pytest.mark.parametrize("size", [2**20 + 1, 2**40])
def test_a_large_file_is_not_read(tmp_path, size):
    with (tmp_path / "a.mat").open("wb") as file:
        file.truncate(size)
    with pytest.raises(InputError, match=f"a.mat: has {size} bytes, more than 1048576; expected a test"):
        read_mat(tmp_path / "a.mat", ["a"], "a test")
    savemat(tmp_path / "b.mat", {"a": np.zeros((10**4, 10**4))}, do_compression=True)
    with pytest.raises(InputError, match="b.mat: is damaged .a compressed variable is cut or too long"):
        read_mat(tmp_path / "b.mat", ["a"], "a test")
