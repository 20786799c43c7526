"""ImageNet-1k's classes: wnids, names, and the lists that give the class of each image."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from depthkit.errors import InputError
from depthkit.utils.image_files import list_images
from depthkit.utils.input_files import read_text
from depthkit.utils.matlab import read_mat


@cache
def imagenet_wnids() -> tuple[str, ...]:
    """Return the 1000 wnids (``n01440764``), sorted: the place of a wnid is its class."""
    from timm.data import ImageNetInfo

    return tuple(sorted(ImageNetInfo().label_names()))


@cache
def imagenet_names() -> tuple[str, ...]:
    """Return the names of the 1000 classes ("tench, Tinca tinca"), in the order of `imagenet_wnids`."""
    from timm.data import ImageNetInfo

    info = ImageNetInfo()
    return tuple(info.label_name_to_description(wnid) for wnid in imagenet_wnids())


@cache
def _classes() -> dict[str, int]:
    return {wnid: index for index, wnid in enumerate(imagenet_wnids())}


def class_of_wnid(wnid: str, where: str | Path) -> int:
    """Look up the class of `wnid`; `where` it was found goes into the error.

    Raises:
        InputError: ImageNet-1k has no such wnid.
    """
    if wnid not in _classes():
        raise InputError(
            f"{where}: '{wnid}' is not a class of ImageNet-1k; expected one of its 1000 wnids, such as n01440764"
        )
    return _classes()[wnid]


def read_image_list(ann_file: str | Path, data_root: Path) -> list[tuple[str, int]]:
    """Read which images a list names, and their classes.

    Three forms are known:

    - lines ``path`` or ``path label``: the path relative to `data_root`; the label a wnid or its place (from 0) among
      the sorted wnids; without a label, the image's folder is its wnid;
    - Kaggle's ``LOC_val_solution.csv``, whose first line is ``ImageId,PredictionString``;
    - the devkit's ``ILSVRC2012_validation_ground_truth.txt``: only numbers, one for each image of `data_root` sorted
      by name. The numbers are the devkit's own, so its ``meta.mat`` must lie beside the list.

    Args:
        ann_file: the list.
        data_root: the folder that its paths start from.

    Returns:
        (path, class) of each image, in the order of the list.

    Raises:
        InputError: no such file, a line in none of these forms, an unknown class, an empty list.
    """
    path = Path(ann_file).expanduser()
    lines = [line.strip() for line in read_text(path, "a list of images").splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise InputError(f"{path}: names no image; expected one line for each: path, and wnid or class")
    if all(line.isdigit() for line in lines):
        return _read_devkit_list(path, [int(line) for line in lines], data_root)
    if lines[0].replace(" ", "").startswith("ImageId,"):
        lines = [f"{name}.JPEG {label.split()[0]}" for name, _, label in (x.partition(",") for x in lines[1:]) if label]
    found = []
    for number, line in enumerate(lines, start=1):
        name, _, label = line.rpartition(" ") if " " in line else (line, "", Path(line).parent.name)
        found.append((str(data_root / name.strip().lstrip("/")), _parse_label(label, f"{path}, image {number}")))
    return found


def _parse_label(label: str, where: str) -> int:
    if not label.isdigit():
        return class_of_wnid(label, where)
    if int(label) >= len(imagenet_wnids()):
        raise InputError(f"{where}: class {label}; expected 0 to 999, the place among the sorted wnids, or a wnid")
    return int(label)


def _read_devkit_list(path: Path, numbers: Sequence[int], data_root: Path) -> list[tuple[str, int]]:
    meta = path.with_name("meta.mat")
    (synsets,) = read_mat(meta, ["synsets"], f"the devkit's, which gives the numbers of {path} their meaning")
    try:
        # It also lists parents in the hierarchy, after the 1000 classes, which have no children.
        classes = [one for one in synsets if one["num_children"].item() == 0]
        wnids = {int(one["ILSVRC2012_ID"].item()): str(one["WNID"]) for one in classes}
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: its numbers are the devkit's own, and {meta} does not give their meaning; put the devkit's "
            "meta.mat beside the list"
        ) from error
    images = list_images(data_root)
    if len(images) != len(numbers):
        raise InputError(
            f"{path}: has {len(numbers)} lines, but {data_root} contains {len(images)} images; expected one line for "
            "each image, in the order of their names"
        )
    for number in numbers:
        if number not in wnids:
            raise InputError(
                f"{path}: number {number} is not a class of {meta}; use the list and the meta.mat of one devkit"
            )
    return [(str(image), class_of_wnid(wnids[number], meta)) for image, number in zip(images, numbers, strict=True)]
