"""Any folder of images, without labels: data on which a model can learn from another model's answers."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from depthkit.datasets.base_dataset import Every, Indices, Pipeline, SampleDataset
from depthkit.datasets.sample import make_sample
from depthkit.datasets.shards import list_shard, read_member
from depthkit.errors import InputError
from depthkit.registry import DATASETS
from depthkit.utils.image_files import IMAGE_SUFFIXES, list_images
from depthkit.utils.io import read_rgb
from depthkit.utils.paths import expand_home
from depthkit.utils.validation import validate_arguments

Split = Literal["all", "train", "val"]


@DATASETS.register_module()
class ImageFolder(SampleDataset):
    """The images of a folder and its subfolders, sorted by path, as samples without depth or labels.

    Images in tar files there (the shards of WebDataset) count too, each tar file as a folder.

    Args:
        data_root: the folder. Names that begin with a dot are skipped.
        split: ``all``; or ``train`` and ``val``, which `hold_out_every` divides.
        hold_out_every: hold out every N-th *folder* of images for ``val``, so that a class or a scene is in one split
            only; images directly in `data_root` count one by one, and all do where there are fewer folders than that.
        pipeline: transforms, the last of them `PackDepthInputs`.
        indices: take only the first N images, or those at these places.
        skip_damaged: take the next image in place of one that cannot be read, and mark it in `damaged`, which
            `DamagedImagesHook` reports; otherwise such an image is an error.

    Attributes:
        damaged: boolean (N,), the images that could not be read so far; all workers of a data loader share it.

    Raises:
        InputError: no such folder, no image in it or in the split, or an argument out of range; when it is read, a
            damaged image.
    """

    METAINFO = {"dataset_type": "images"}

    @validate_arguments
    def __init__(
        self,
        data_root: str | Path,
        split: Split = "all",
        hold_out_every: Every | None = None,
        pipeline: Pipeline = None,
        indices: Indices = None,
        skip_damaged: bool = False,
    ) -> None:
        folder = expand_home(data_root)
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; expected one with images in it or in its subfolders")
        members: dict[Path, dict] = {}
        for shard in list_images(folder, recursive=True, suffixes=(".tar",)):
            members |= list_shard(shard)
        files = list_images(folder, recursive=True)
        files = sorted([*files, *members]) if members else files
        if not files:
            raise InputError(f"{folder}: contains no image; expected files {', '.join(sorted(IMAGE_SUFFIXES))}")
        chosen = split_images(files, folder, split, hold_out_every)
        super().__init__(
            [{"img_path": str(file), "member": members.get(file)} for file in chosen],
            f"split {split}, {folder}",
            pipeline,
            split == "val",
            indices,
        )
        self.folder = folder
        self.skip_damaged = skip_damaged
        self.damaged = torch.zeros(len(self), dtype=torch.bool).share_memory_()

    def prepare_data(self, idx: int) -> dict:
        """Read image `idx` and run the pipeline on it."""
        image, path = self._read(idx)
        return self.pipeline(make_sample(image, path))

    def _read(self, idx: int) -> tuple[np.ndarray, str]:
        """Return image `idx`, or with `skip_damaged` the first valid one from there on, and its path."""
        for place in chain(range(idx, len(self)), range(idx)):
            if self.damaged[place]:
                continue
            info = self.get_data_info(place)
            path, member = info["img_path"], info["member"]
            try:
                return (read_member(path, **member) if member else read_rgb(path)), path
            except InputError:
                if not self.skip_damaged:
                    raise
                self.damaged[place] = True
        raise InputError(f"{self.folder}: none of its {len(self)} images can be read; check that they are images")


def split_images(files: Sequence[Path], folder: Path, split: Split, hold_out_every: int | None) -> list[Path]:
    """Select those of `files` below `folder` that belong to `split`; see `ImageFolder`.

    Raises:
        InputError: a split without `hold_out_every`, `hold_out_every` without a split, or an empty split.
    """
    if split == "all":
        if hold_out_every is not None:
            raise InputError("hold_out_every: split='all' holds nothing out; choose split 'train' or 'val'")
        return list(files)
    if hold_out_every is None:
        raise InputError(f"hold_out_every=None: split='{split}' needs 2 or more (every N-th folder is for 'val')")
    groups = [file if file.parent == folder else file.parent for file in files]
    if len(set(groups)) < hold_out_every:
        groups = list(files)
    place = {group: index for index, group in enumerate(sorted(set(groups)))}
    chosen = [
        file
        for file, group in zip(files, groups, strict=True)
        if (place[group] % hold_out_every == hold_out_every - 1) == (split == "val")
    ]
    if not chosen:
        raise InputError(
            f"{folder}: hold_out_every={hold_out_every} leaves no image for split '{split}'; there are only "
            f"{len(place)} images, so give that number or a smaller one"
        )
    return chosen
