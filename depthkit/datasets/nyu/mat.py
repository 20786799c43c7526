"""NYU Depth V2 as the official labelled file: `nyu_depth_v2_labeled.mat` and `splits.mat`."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import h5py
import numpy as np

from depthkit.datasets.sample import Frame
from depthkit.errors import InputError
from depthkit.utils.camera import nyu_intrinsics
from depthkit.utils.io import check_depth
from depthkit.utils.validation import validate_arguments

MAT_NAME = "nyu_depth_v2_labeled.mat"
SPLITS_NAME = "splits.mat"
Depth = Literal["raw", "filled"]
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
        with _open_mat(path) as file, _reading(path):
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
        file = self._opened()
        with _reading(name):
            image = np.ascontiguousarray(file["images"][index].transpose(2, 1, 0))
            depth = np.ascontiguousarray(file[self._depth_variable][index].T)
        return Frame(image, check_depth(depth, name), nyu_intrinsics(image.shape[:2]), name)

    def scenes(self) -> list[str] | None:
        """Return the name of each frame's scene ("kitchen_0004"); None if the file does not contain them."""
        with _open_mat(self.path) as file, _reading(f"{self.path}: scenes"):
            if "scenes" not in file:
                return None
            references = np.asarray(file["scenes"]).reshape(-1)
            return ["".join(map(chr, np.asarray(file[reference]).reshape(-1))) for reference in references]

    def _opened(self) -> h5py.File:
        if self._owner != os.getpid():
            if self._file is not None:
                self._file.close()
            self._file, self._owner = _open_mat(self.path), os.getpid()
        return self._file

    def _check(self, file: h5py.File) -> tuple[int, tuple[int, int]]:
        """Return the number of frames and their size (H, W)."""
        for variable in ("images", self._depth_variable):
            if not isinstance(file.get(variable), h5py.Dataset):
                raise InputError(f"{self.path}: has no variable '{variable}'; expected NYU's labelled data set")
        images, depths = file["images"], file[self._depth_variable]
        if images.ndim != 4 or images.shape[1] != 3 or images.dtype != np.uint8:
            raise InputError(
                f"{self.path}: images are {images.dtype} {images.shape}; expected uint8 (N, 3, width, height)"
            )
        if depths.shape != (images.shape[0], *images.shape[2:]):
            raise InputError(
                f"{self.path}: {self._depth_variable} have shape {depths.shape} beside images "
                f"{images.shape}; expected (N, width, height)"
            )
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
        InputError: the file is missing or of another kind, names a frame beyond `count`, or has frames in both
            splits.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    if not path.is_file():
        raise InputError(f"{path}: the official splits are missing; get splits.mat (see data/README.md)")
    try:
        variables = loadmat(path)
        splits = {
            split: np.asarray(variables[f"{split}Ndxs"]).reshape(-1).astype(int) - 1 for split in ("train", "test")
        }
    except KeyError as error:
        raise InputError(f"{path}: has no variable {error}; expected trainNdxs and testNdxs") from error
    except (OSError, MatReadError, ValueError, TypeError, NotImplementedError, IndexError, EOFError) as error:
        raise InputError(f"{path}: is not a valid MATLAB 5.0 file ({error}); get splits.mat again") from error
    for split, indices in splits.items():
        if indices.size == 0:
            raise InputError(f"{path}: its {split} split is empty; get splits.mat again")
        if indices.min() < 0 or indices.max() >= count:
            raise InputError(
                f"{path}: its {split} split names frames {indices.min() + 1} to {indices.max() + 1}, but "
                f"the data set contains {count}; the two files do not belong together"
            )
    shared = np.intersect1d(splits["train"], splits["test"])
    if shared.size:
        raise InputError(
            f"{path}: {shared.size} frames are in both splits, the first is {shared[0] + 1}; get splits.mat again"
        )
    return {split: indices.tolist() for split, indices in splits.items()}


@contextlib.contextmanager
def _reading(name: str | os.PathLike) -> Iterator[None]:
    """Turn what h5py raises on damaged content into an `InputError` about `name`."""
    try:
        yield
    except InputError:
        raise
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{name}: cannot be read ({error}); the file is damaged, get it again") from error


def _open_mat(path: Path) -> h5py.File:
    if not path.is_file():
        raise InputError(f"{path}: no such file; get the labelled data set (see data/README.md)")
    try:
        return h5py.File(path, "r")
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{path}: is not a complete MATLAB v7.3 file ({error}); get it again (2.8 GB when complete)"
        ) from error
