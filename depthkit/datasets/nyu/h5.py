"""NYU Depth V2 as FastDepth's HDF5 files (Wofk et al., ICRA 2019): one `.h5` for each frame."""

from pathlib import Path

import numpy as np

from depthkit.datasets.sample import Frame
from depthkit.errors import InputError
from depthkit.utils.camera import nyu_intrinsics
from depthkit.utils.hdf5 import find_dataset, open_hdf5, read_map
from depthkit.utils.io import check_depth

# The 654 official test frames lie in their own folder; the training frames are sampled from the raw
# sequences.
SPLIT_FOLDERS = {"train": "train", "test": "val/official"}


class NYUH5:
    """One split of FastDepth's folders: ``train/<scene>/00001.h5``, ``val/official/00001.h5``.

    Each file contains `rgb` (3, H, W) uint8 and `depth` (H, W) [m]. FastDepth's authors filled the holes of the depth
    maps, so figures on this form are not comparable with those of the raw-depth protocols.
    """

    def __init__(self, data_root: Path, split: str) -> None:
        self._folder = data_root / SPLIT_FOLDERS[split]
        self.description = f"form h5 (holes filled by its authors), split {split}, {self._folder}"

    def entries(self) -> list[dict]:
        """List {"path"} for each file, sorted; raise `InputError` if there is none."""
        paths = sorted(self._folder.rglob("*.h5")) if self._folder.is_dir() else []
        if not paths:
            raise InputError(f"{self._folder}: no .h5 files there; expected FastDepth's layout (see data/README.md)")
        return [{"path": str(path)} for path in paths]

    def read(self, entry: dict) -> Frame:
        """Read the frame of an entry; raise `InputError` if its file is damaged."""
        path = entry["path"]
        with open_hdf5(path, "an HDF5 file with 'rgb' and 'depth'") as file:
            rgb, depth = (read_map(find_dataset(file, name, path), path) for name in ("rgb", "depth"))
        if rgb.ndim != 3 or rgb.shape[0] != 3 or rgb.dtype != np.uint8:
            raise InputError(f"{path}: 'rgb' is {rgb.dtype} {rgb.shape}; expected uint8 (3, height, width)")
        image = np.ascontiguousarray(rgb.transpose(1, 2, 0))
        return Frame(image, check_depth(depth, path), nyu_intrinsics(image.shape[:2]), path)
