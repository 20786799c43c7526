"""ImageNet-1k, all of it or some of its classes: images with their classes."""

import logging
import os
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from depthkit.datasets.base_dataset import Every, Indices, Pipeline, SampleDataset
from depthkit.datasets.image_folder import Split, split_images
from depthkit.datasets.imagenet_labels import class_of_wnid, read_image_list
from depthkit.datasets.sample import make_sample
from depthkit.errors import InputError
from depthkit.registry import DATASETS
from depthkit.utils.image_files import list_images
from depthkit.utils.io import read_rgb
from depthkit.utils.paths import expand_home
from depthkit.utils.validation import Count, validate_arguments


@DATASETS.register_module()
class ImageNet(SampleDataset):
    """Images in one folder per class, named by wnid, or the images of a list; classes 0 to 999.

    The class is the place of the wnid among all 1000 sorted wnids, so a subset of the classes has the right labels.
    Images are decoded as timm and torchvision do (without EXIF rotation), because published figures are measured so.

    An image that cannot be read stops training with an error; with `allow_unreadable` it is named in the log and
    replaced by another one. In evaluation (`test_mode`) it becomes a black image with the reason as ``unreadable`` in
    its metainfo; `Accuracy` names and counts such images and leaves them out.

    Args:
        data_root: the folder. Names that begin with a dot are skipped.
        ann_file: list of the images to take (see `depthkit.datasets.imagenet_labels.read_image_list`): some of those
            in the folders, or a flat validation folder with its ground truth. None: all folders.
        split: ``all``; or ``train`` and ``val``, which `hold_out_every` divides.
        hold_out_every: hold out every N-th *folder* for ``val``: classes that are not trained on.
        decode_size: decode JPEGs at 1/2, 1/4 or 1/8 if their shorter side stays at least this long [px]; None: at
            full size.
        allow_unreadable: see above.
        pipeline: transforms, the last of them `PackClassInputs`.
        test_mode: for evaluation.
        indices: take only the first N images, or those at these places.

    Raises:
        InputError: no such folder, a folder whose name is not a wnid or that has no images, a list that cannot be
            used; when it is read for training, a damaged image.
    """

    METAINFO = {"dataset_type": "classes"}

    @validate_arguments
    def __init__(
        self,
        data_root: str | Path,
        ann_file: str | Path | None = None,
        split: Split = "all",
        hold_out_every: Every | None = None,
        decode_size: Count | None = None,
        allow_unreadable: bool = False,
        pipeline: Pipeline = None,
        test_mode: bool = False,
        indices: Indices = None,
    ) -> None:
        folder = expand_home(data_root)
        self.decode_size = decode_size
        self.allow_unreadable = allow_unreadable
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; expected one with a folder of images for each wnid")
        labels = _list_class_folders(folder) if ann_file is None else read_image_list(ann_file, folder)
        if split != "all" or hold_out_every is not None:
            chosen = split_images([Path(file) for file, _ in labels], folder, split, hold_out_every)
            kept = set(map(str, chosen))
            labels = [(file, label) for file, label in labels if file in kept]
        super().__init__(
            [{"img_path": file, "gt_label": label} for file, label in labels],
            f"split {split}, {ann_file or folder}",
            pipeline,
            test_mode,
            indices,
        )

    def prepare_data(self, idx: int) -> dict | None:
        """Read image `idx` and run the pipeline on it; return None if another image is to replace it."""
        info = self.get_data_info(idx)
        path, label = info["img_path"], info["gt_label"]
        try:
            sample = make_sample(read_rgb(path, min_size=self.decode_size, upright=False), path)
        except InputError as error:
            if self.test_mode:
                sample = {**make_sample(np.zeros((8, 8, 3), np.uint8), path), "unreadable": str(error)}
            elif self.allow_unreadable:
                print_log(f"{error}; another image takes its place", logger="current", level=logging.WARNING)
                return None
            else:
                raise InputError(f"{error}; or train with allow_unreadable=True") from error
        return self.pipeline({**sample, "gt_label": label})


def _list_class_folders(folder: Path) -> list[tuple[str, int]]:
    """List the images in the wnid folders of `folder` and their classes, sorted by path."""
    found: list[tuple[str, int]] = []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith(".") or not entry.is_dir():
            continue
        label = class_of_wnid(entry.name, entry.path)
        images = list_images(entry.path)
        if not images:
            raise InputError(f"{entry.path}: this class is empty; put images into the folder, or remove it")
        found += [(str(image), label) for image in images]
    if not found:
        raise InputError(
            f"{folder}: has no folder named by wnid; expected one for each class, such as n01440764, or for a flat "
            "folder of images their list as ann_file"
        )
    return found
