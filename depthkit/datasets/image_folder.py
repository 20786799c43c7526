"""Any folder of pictures, without labels: what a model can learn from another model's answers on."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from depthkit.datasets.sample import make_sample
from depthkit.errors import InputError
from depthkit.registry import DATASETS, TRANSFORMS
from depthkit.utils.io import IMAGE_SUFFIXES, read_rgb

SPLITS = ("all", "train", "val")


@DATASETS.register_module()
class ImageFolder(BaseDataset):
    """The pictures of a folder and its subfolders, sorted by path, as samples without depth or labels.

    Args:
        data_root: the folder. Names that begin with a dot are passed over.
        split: ``all``; or ``train`` and ``val``, which `hold_out_every` divides.
        hold_out_every: every so-manieth *folder* of pictures is held out for ``val``, so that a class or a
            scene is on one side only; pictures that lie in `data_root` itself count one by one.
        pipeline: transforms, the last of them `PackDepthInputs`.
        indices: the first so many pictures, or those of a list.

    Raises:
        InputError: no such folder, no picture in it or in the split, or an argument that makes no sense;
            when it is read, a damaged picture.
    """

    METAINFO = {"dataset_type": "pictures"}

    def __init__(
        self,
        data_root: str | Path,
        split: str = "all",
        hold_out_every: int | None = None,
        pipeline: Sequence = (),
        indices: int | Sequence[int] | None = None,
    ) -> None:
        self.folder = Path(data_root).expanduser()
        self.files = split_pictures(find_pictures(self.folder), self.folder, split, hold_out_every)
        # Built from our registry here: mmengine would look the names up in whichever scope is default.
        transforms = [TRANSFORMS.build(step) if isinstance(step, dict) else step for step in pipeline]
        super().__init__(pipeline=transforms, test_mode=split == "val", indices=indices)
        print_log(f"ImageFolder: {len(self)} pictures, split {split}, {self.folder}", logger="current")

    def load_data_list(self) -> list[dict]:
        """Return {"img_path"} for each picture."""
        return [{"img_path": str(file)} for file in self.files]

    def prepare_data(self, idx: int) -> dict:
        """Read picture `idx` and return what the pipeline makes of it."""
        path = self.get_data_info(idx)["img_path"]
        return self.pipeline(make_sample(read_rgb(path), path))


def find_pictures(folder: Path) -> list[Path]:
    """The pictures in `folder` and its subfolders, sorted.

    Raises:
        InputError: no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected one with pictures in it or in its subfolders")
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    ]
    if not found:
        raise InputError(f"{folder}: holds no picture; expected files {', '.join(sorted(IMAGE_SUFFIXES))}")
    return found


def split_pictures(files: Sequence[Path], folder: Path, split: str, hold_out_every: int | None) -> list[Path]:
    """Those of `files` below `folder` that belong to `split`; see `ImageFolder`.

    Raises:
        InputError: an unknown split, a split without `hold_out_every`, or an empty one.
    """
    if split not in SPLITS:
        raise InputError(f"split='{split}': expected one of {', '.join(SPLITS)}")
    if split == "all":
        if hold_out_every is not None:
            raise InputError("hold_out_every: split='all' holds nothing out; choose split 'train' or 'val'")
        return list(files)
    if not isinstance(hold_out_every, int) or hold_out_every < 2:
        raise InputError(
            f"hold_out_every={hold_out_every!r}: split='{split}' needs 2 or more (every so-manieth folder of "
            "pictures is for 'val')"
        )
    groups = [file if file.parent == folder else file.parent for file in files]
    place = {group: index for index, group in enumerate(sorted(set(groups)))}
    chosen = [
        file
        for file, group in zip(files, groups, strict=True)
        if (place[group] % hold_out_every == hold_out_every - 1) == (split == "val")
    ]
    if not chosen:
        raise InputError(
            f"{folder}: hold_out_every={hold_out_every} leaves no picture for split '{split}' (there are "
            f"{len(place)} folders of pictures, or single ones)"
        )
    return chosen
