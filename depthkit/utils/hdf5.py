"""Datasets of HDF5 files, as numbers that the file itself holds and that memory has room for."""

import contextlib
import os
from collections.abc import Iterator

import h5py
import numpy as np

from depthkit.errors import InputError
from depthkit.utils.input_files import check_pixels, decoding

_MAX_CHUNK = 2**28  # [bytes]: a chunk is read as a whole, however little of it is asked for


@contextlib.contextmanager
def open_hdf5(path: str | os.PathLike, expected: str) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; what h5py raises in the block becomes an `InputError` about it."""
    with decoding(path, expected), h5py.File(path, "r") as file:
        yield file


def find_dataset(file: h5py.File, name: str, path: str | os.PathLike) -> h5py.Dataset:
    """Return the dataset `name` of an open file, whose values have not been read.

    Raises:
        InputError: there is none, it has no numbers, or they are not in the file: links and storage that name other
            files would read whatever file the header says.
    """
    link = file.get(name, getlink=True)
    if link is None:
        raise InputError(f"{path}: has no dataset '{name}'; expected one with numbers")
    if not isinstance(link, h5py.HardLink):
        raise InputError(f"{path}: its '{name}' is a link; expected a dataset in the file itself")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise InputError(f"{path}: its '{name}' is not a dataset; expected one with numbers")
    if dataset.external or dataset.is_virtual:
        raise InputError(f"{path}: its '{name}' keeps its values in other files; expected them in the file itself")
    if dataset.shape is None or dataset.dtype.kind not in "iuf":
        held = "is empty" if dataset.shape is None else f"holds {dataset.dtype}"
        raise InputError(f"{path}: its '{name}' {held}; expected numbers")
    chunk = int(np.prod(dataset.chunks, dtype=object)) * dataset.dtype.itemsize if dataset.chunks else 0
    if chunk > _MAX_CHUNK:
        raise InputError(f"{path}: its '{name}' is in chunks of {chunk / 1e9:.4g} GB; write it in smaller ones")
    return dataset


def read_map(dataset: h5py.Dataset, path: str | os.PathLike) -> np.ndarray:
    """Read a whole dataset, that of one image or map, as it is stored.

    Raises:
        InputError: it declares more than `MAX_PIXELS`.
    """
    check_pixels(dataset.shape, dataset.dtype.itemsize, path)
    return dataset[()]
