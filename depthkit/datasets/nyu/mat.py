"""NYU Depth V2 as the official labelled file: `nyu_depth_v2_labeled.mat` and `splits.mat`."""

import os
from pathlib import Path
from typing import Literal

import h5py
import numpy as np

from depthkit.datasets.sample import Frame
from depthkit.errors import InputError
from depthkit.utils.camera import nyu_intrinsics
from depthkit.utils.hdf5 import find_dataset, open_hdf5
from depthkit.utils.input_files import check_pixels, decoding
from depthkit.utils.io import check_depth
from depthkit.utils.matlab import read_mat
from depthkit.utils.validation import validate_arguments

MAT_NAME = "nyu_depth_v2_labeled.mat"
SPLITS_NAME = "splits.mat"
EXPECTED = "NYU's labelled data set (MATLAB v7.3, 2.8 GB; see data/README.md)"
Depth = Literal["raw", "filled"]
_LONGEST_NAME = 200  # letters of a scene's
# MATLAB's names of the depth maps: as measured, and with the holes filled by colourisation.
DEPTH_VARIABLES: dict[Depth, str] = {"raw": "rawDepths", "filled": "depths"}


class LabelledMat:
    """The frames of the labelled `.mat` (MATLAB v7.3, which is HDF5), read one at a time.

    HDF5 shows MATLAB's axes reversed: `images` (N, 3, W, H) uint8 and `rawDepths`/`depths` (N, W, H) [m]; both are
    transposed. The file is opened at the first read in each process, because an open HDF5 file must neither be
    pickled nor cross a fork.

    Args:
        path: the file.
        depth: ``raw`` (as measured, what the protocols use) or ``filled``.

    Raises:
        InputError: the file is missing, truncated or of another kind.
    """

    @validate_arguments
    def __init__(self, path: Path, depth: Depth = "raw") -> None:
        self.path = path
        self._depth_variable = DEPTH_VARIABLES[depth]
        self._file: h5py.File | None = None
        self._owner = -1
        with open_hdf5(path, EXPECTED) as file:
            self._length, self._shape = self._check(file)

    def __len__(self) -> int:
        return self._length

    @property
    def focal(self) -> float:
        """Horizontal focal length [px] of the images."""
        return float(nyu_intrinsics(self._shape)[0, 0])

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_file": None, "_owner": -1}

    def read(self, index: int) -> Frame:
        """Read frame `index`, counted from 0; its name is ``file.mat#index``."""
        name = f"{self.path}#{index}"
        with decoding(self.path, EXPECTED, f"#{index}"):
            file = self._opened()
            image = np.ascontiguousarray(file["images"][index].transpose(2, 1, 0))
            depth = np.ascontiguousarray(file[self._depth_variable][index].T)
        return Frame(image, check_depth(depth, name), nyu_intrinsics(image.shape[:2]), name)

    def scenes(self) -> list[str] | None:
        """Return the name of each frame's scene ("kitchen_0004"); None if the file does not contain them."""
        with open_hdf5(self.path, EXPECTED) as file:
            if "scenes" not in file:
                return None
            scenes = file["scenes"]
            if not isinstance(scenes, h5py.Dataset) or scenes.dtype != h5py.ref_dtype or scenes.size != len(self):
                raise InputError(f"{self.path}: its 'scenes' are not one name for each frame; expected {EXPECTED}")
            return [_read_name(file[reference], self.path) for reference in scenes[()].reshape(-1)]

    def _opened(self) -> h5py.File:
        if self._owner != os.getpid():
            if self._file is not None:
                self._file.close()
            self._file, self._owner = h5py.File(self.path, "r"), os.getpid()
        return self._file

    def _check(self, file: h5py.File) -> tuple[int, tuple[int, int]]:
        """Return the number of frames and their size (H, W)."""
        images, depths = (find_dataset(file, name, self.path) for name in ("images", self._depth_variable))
        if images.ndim != 4 or images.shape[1] != 3 or images.dtype != np.uint8:
            raise InputError(
                f"{self.path}: images are {images.dtype} {images.shape}; expected uint8 (N, 3, width, height)"
            )
        if depths.shape != (images.shape[0], *images.shape[2:]):
            raise InputError(
                f"{self.path}: {self._depth_variable} have shape {depths.shape} beside images "
                f"{images.shape}; expected (N, width, height)"
            )
        if not images.size:
            raise InputError(f"{self.path}: images have shape {images.shape}; expected {EXPECTED}")
        check_pixels(depths.shape[1:], depths.dtype.itemsize, self.path)
        return images.shape[0], (images.shape[3], images.shape[2])


class NYUMat:
    """One official split of the labelled `.mat`; arguments as for `LabelledMat` and `read_splits`."""

    def __init__(self, path: Path, split: str, splits_path: Path, depth: Depth) -> None:
        self._frames = LabelledMat(path, depth)
        self._indices = read_splits(splits_path, len(self._frames))[split]
        self.description = f"form mat ({depth} depth), split {split}, {path}"

    def entries(self) -> list[dict]:
        """List {"index": k} for each frame of the split, k counted from 0."""
        return [{"index": index} for index in self._indices]

    def read(self, entry: dict) -> Frame:
        """Read the frame of an entry."""
        return self._frames.read(entry["index"])


def read_splits(path: Path, count: int) -> dict[str, list[int]]:
    """Read the official splits from `splits.mat` (MATLAB 5.0, frames counted from 1).

    Args:
        path: the file.
        count: number of frames in the data set.

    Returns:
        ``{"train": [...], "test": [...]}``: the frames, counted from 0.

    Raises:
        InputError: the file is missing, damaged or of another kind, or its numbers are not those of frames, each in one
            split.
    """
    names = {"train": "trainNdxs", "test": "testNdxs"}
    variables = read_mat(path, list(names.values()), "the official splits (see data/README.md)")
    splits = {
        split: _frames(values, name, count, path)
        for (split, name), values in zip(names.items(), variables, strict=True)
    }
    shared = np.intersect1d(splits["train"], splits["test"])
    if shared.size:
        raise InputError(
            f"{path}: {shared.size} frames are in both splits, the first is {shared[0] + 1}; get splits.mat again"
        )
    return {split: indices.tolist() for split, indices in splits.items()}


def _frames(values: object, name: str, count: int, path: Path) -> np.ndarray:
    """Return the frames of a split, counted from 0."""
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iuf":
        kind = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
        raise InputError(f"{path}: {name} holds {kind}; expected numbers of frames, get splits.mat again")
    values = values.reshape(-1)
    if not values.size:
        raise InputError(f"{path}: {name} is empty; get splits.mat again")
    wrong = values[~((values >= 1) & (values <= count) & (values == np.floor(values)))]
    if wrong.size:
        raise InputError(
            f"{path}: {name} names frame {wrong[0]}, but the data set has frames 1 to {count}; the two files do not "
            "belong together, or are damaged"
        )
    frames, times = np.unique(values, return_counts=True)
    if times.max() > 1:
        raise InputError(f"{path}: {name} names frame {frames[times.argmax()]:g} twice; get splits.mat again")
    return values.astype(int) - 1


def _read_name(dataset: object, path: Path) -> str:
    """Read a text that MATLAB stores as the numbers of its letters."""
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype != np.uint16 or not 0 < dataset.size <= _LONGEST_NAME:
        raise InputError(f"{path}: the name of a scene is damaged; expected {EXPECTED}")
    return "".join(map(chr, dataset[()].reshape(-1)))
