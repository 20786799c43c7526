"""ImageNet-1k, whole or in part: pictures with their classes."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from depthkit.datasets.image_folder import split_pictures
from depthkit.datasets.imagenet_labels import class_of_wnid, read_picture_list
from depthkit.datasets.sample import make_sample
from depthkit.errors import InputError
from depthkit.registry import DATASETS, TRANSFORMS
from depthkit.utils.io import IMAGE_SUFFIXES, read_rgb


@DATASETS.register_module()
class ImageNet(BaseDataset):
    """Pictures in a folder for each class, named by wnid, or those of a list; classes 0 to 999.

    The class is the wnid's place among all 1000 sorted wnids, so any part of the classes has the right labels.
    Pictures are decoded as timm and torchvision do (no EXIF rotation), for what is published is measured so.

    A picture that cannot be read ends a training with an error, or with `allow_unreadable` is named in the log
    and another takes its place. In tests (`test_mode`) it goes through as a black one, with the reason as
    `unreadable` in its metainfo; `Accuracy` names, counts and leaves out those.

    Args:
        data_root: the folder. Names that begin with a dot are passed over.
        ann_file: list of the pictures to take (`depthkit.datasets.imagenet_labels.read_picture_list`): part of
            the folders, or a flat validation folder with its ground truth. Without one, all folders.
        split: ``all``; or ``train`` and ``val``, which `hold_out_every` divides.
        hold_out_every: every so-manieth *folder* is held out for ``val``: other classes than those trained on.
        decode_size: JPEGs are decoded at 1/2, 1/4 or 1/8 where their shorter side stays at least this [px];
            None decodes them whole.
        allow_unreadable: see above.
        pipeline: transforms, the last of them `PackClassInputs`.
        test_mode: for evaluation.
        indices: the first so many pictures, or those of a list.

    Raises:
        InputError: no such folder, one that is no wnid, one without pictures; a list that makes no sense; when
            it is read for training, a damaged picture.
    """

    METAINFO = {"dataset_type": "classes"}

    def __init__(
        self,
        data_root: str | Path,
        ann_file: str | Path | None = None,
        split: str = "all",
        hold_out_every: int | None = None,
        decode_size: int | None = None,
        allow_unreadable: bool = False,
        pipeline: Sequence = (),
        test_mode: bool = False,
        indices: int | Sequence[int] | None = None,
    ) -> None:
        self.folder = Path(data_root).expanduser()
        self.decode_size = decode_size
        self.allow_unreadable = allow_unreadable
        if not self.folder.is_dir():
            raise InputError(f"{self.folder}: no such folder; expected one with a folder of pictures for each wnid")
        if ann_file is None:
            files, labels = list_class_folders(self.folder)
        else:
            files, labels = read_picture_list(ann_file, self.folder)
        if split != "all" or hold_out_every is not None:
            kept = set(map(str, split_pictures([Path(file) for file in files], self.folder, split, hold_out_every)))
            labels = [label for file, label in zip(files, labels, strict=True) if file in kept]
            files = [file for file in files if file in kept]
        self.pictures = list(zip(files, labels, strict=True))
        # Built from our registry here: mmengine would look the names up in whichever scope is default.
        transforms = [TRANSFORMS.build(step) if isinstance(step, dict) else step for step in pipeline]
        super().__init__(pipeline=transforms, test_mode=test_mode, indices=indices)
        del self.pictures  # a million of them; mmengine has its own, packed
        print_log(f"ImageNet: {len(self)} pictures, split {split}, {ann_file or self.folder}", logger="current")

    def load_data_list(self) -> list[dict]:
        """Return {"img_path", "gt_label"} for each picture."""
        return [{"img_path": file, "gt_label": label} for file, label in self.pictures]

    def prepare_data(self, idx: int) -> dict | None:
        """Read picture `idx` and return what the pipeline makes of it; None for one that another is to replace."""
        info = self.get_data_info(idx)
        path, label = info["img_path"], info["gt_label"]
        try:
            sample = make_sample(read_rgb(path, min_size=self.decode_size, upright=False), path)
        except InputError as error:
            if self.test_mode:
                sample = {**make_sample(np.zeros((8, 8, 3), np.uint8), path), "unreadable": str(error)}
            elif self.allow_unreadable:
                print_log(f"{error}; another picture takes its place", logger="current", level=logging.WARNING)
                return None
            else:
                raise InputError(f"{error}; or train with allow_unreadable=True") from error
        return self.pipeline({**sample, "gt_label": label})


def list_class_folders(folder: Path) -> tuple[list[str], list[int]]:
    """The pictures in the wnid folders of `folder`, sorted by path, and their classes.

    Raises:
        InputError: a folder that is no wnid, or one without pictures; no folder at all.
    """
    # scandir knows what is a folder without asking the disk a million times.
    entries = sorted((entry for entry in os.scandir(folder) if not entry.name.startswith(".")), key=lambda e: e.name)
    files: list[str] = []
    labels: list[int] = []
    for entry in entries:
        if not entry.is_dir():
            continue
        label = class_of_wnid(entry.name, entry.path)
        found = sorted(
            one.path
            for one in os.scandir(entry.path)
            if os.path.splitext(one.name)[1].lower() in IMAGE_SUFFIXES and not one.name.startswith(".")
        )
        if not found:
            raise InputError(f"{entry.path}: this class is empty; expected pictures in it, or remove the folder")
        files += found
        labels += [label] * len(found)
    if not files:
        raise InputError(
            f"{folder}: has no folder named by wnid; expected one for each class, such as n01440764, or for a flat "
            "folder of pictures their list as ann_file"
        )
    return files, labels
