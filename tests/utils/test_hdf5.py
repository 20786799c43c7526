"""Datasets of HDF5: numbers in the file itself, of a size that memory has room for."""

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthkit.errors import InputError
from depthkit.utils.hdf5 import find_dataset, open_hdf5, read_map
from depthkit.utils.io import read_depth


def link(file):
    file["depth"] = h5py.ExternalLink("other.h5", "/depth")


def soft(file):
    file["depth"] = h5py.SoftLink("/nowhere")


def outside(file):
    file.create_dataset("depth", (2, 2), "f4", external=[("/dev/zero", 0, 16)])


def virtual(file):
    layout = h5py.VirtualLayout((2, 2), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "depth", (2, 2))
    file.create_virtual_dataset("depth", layout)


def huge(file):
    file.create_dataset("depth", (10**6, 10**6), "f4", chunks=(10, 10))


def huge_chunk(file):
    file.create_dataset("depth", (2, 2), "f4", chunks=(20_000, 20_000), maxshape=(None, None))


CRAFTED = {
    "has no dataset 'depth'": lambda file: None,
    "its 'depth' is not a dataset": lambda file: file.create_group("depth"),
    "its 'depth' is empty": lambda file: file.create_dataset("depth", data=h5py.Empty("f4")),
    "its 'depth' holds object": lambda file: file.create_dataset("depth", data="text"),
    "its 'depth' holds complex64": lambda file: file.create_dataset("depth", (2, 2), "c8"),
    r"has 1e\+06 megapixels \(1000000 x 1000000\); depthkit reads 190 at most": huge,
    "its 'depth' is in chunks of 1.6 GB": huge_chunk,
    "its 'depth' keeps its values in other files": outside,
    "its 'depth' keeps its values in other files; expected": virtual,
    "its 'depth' is a link": link,
    "its 'depth' is a link; expected": soft,
}


@pytest.mark.parametrize("message", CRAFTED)
def test_what_a_dataset_must_not_be(tmp_path, message):
    with h5py.File(tmp_path / "d.h5", "w") as file:
        CRAFTED[message](file)
    with pytest.raises(InputError, match=f"d.h5: {message}"):
        read_depth(tmp_path / "d.h5")


@settings(max_examples=40)
@given(
    st.integers(1, 9), st.integers(1, 9), st.sampled_from(["u2", "i8", "f2", "f4", ">f8"]),
    st.sampled_from([{}, {"chunks": True, "compression": "gzip"}, {"chunks": True, "fletcher32": True}]),
)  # fmt: skip
def test_numbers_come_back(tmp_path_factory, height, width, dtype, settings):
    values = np.arange(height * width).reshape(height, width).astype(dtype)
    path = tmp_path_factory.mktemp("h5") / "d.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("depth", data=values, **settings)
    with open_hdf5(path, "a map") as file:
        np.testing.assert_array_equal(read_map(find_dataset(file, "depth", path), path), values)


@settings(max_examples=60)
@given(st.data())
def test_flipped_bits_give_a_map_or_a_sentence(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("h5") / "d.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("depth", data=np.ones((8, 8), "f4"), chunks=(4, 4), compression="gzip")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 20))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    try:
        assert read_depth(path).dtype == np.float32
    except InputError as error:
        assert str(path) in str(error)
