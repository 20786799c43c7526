"""NYU Depth V2 (Silberman et al., ECCV 2012) in the forms that people have."""

from collections.abc import Sequence
from pathlib import Path

from depthkit.datasets.depth_dataset import DepthDataset, FrameSource
from depthkit.datasets.nyu.h5 import NYUH5, SPLIT_FOLDERS
from depthkit.datasets.nyu.mat import MAT_NAME, SPLITS_NAME, NYUMat
from depthkit.datasets.nyu.sync import NYUSync, find_split_file, split_file_names
from depthkit.errors import InputError
from depthkit.registry import DATASETS

FORMS = ("mat", "sync", "h5")
SPLITS = ("train", "test")


@DATASETS.register_module()
class NYUDepthV2(DepthDataset):
    """NYU Depth V2's official split from a labelled `.mat`, BTS sync folders, or FastDepth `.h5` files.

    `form`: "auto" takes the one that lies in `data_root`; "mat", "sync" and "h5" name it. `split_file` is the
    split's list (.txt: sync form) or `splits.mat` (mat form) when it lies elsewhere. `depth`: "raw" or
    "filled", in the mat form. Samples have the NYU camera's intrinsics, or those of the list's focal length.
    Raises `InputError` when the form cannot be told, a split or any of its files is missing.
    """

    def __init__(
        self,
        data_root: str | Path,
        split: str = "train",
        form: str = "auto",
        split_file: str | Path | None = None,
        depth: str = "raw",
        pipeline: Sequence = (),
        indices: int | Sequence[int] | None = None,
    ) -> None:
        source = open_nyu(Path(data_root).expanduser(), split, form, split_file, depth)
        super().__init__(source, pipeline, test_mode=split == "test", indices=indices)


def open_nyu(
    data_root: Path, split: str, form: str = "auto", split_file: str | Path | None = None, depth: str = "raw"
) -> FrameSource:
    """Return the reader for one split of the NYU data in `data_root`; parameters as for `NYUDepthV2`."""
    if split not in SPLITS:
        raise InputError(f"split='{split}': NYU Depth V2 has the splits {' and '.join(SPLITS)}")
    if form != "auto" and form not in FORMS:
        raise InputError(f"form='{form}': expected 'auto' or one of {', '.join(FORMS)}")
    split_path = None if split_file is None else Path(split_file).expanduser()
    if form == "auto":
        named = {".txt": "sync", ".mat": "mat"}.get(split_path.suffix) if split_path else None
        form = named or pick_form(data_root)
    if depth != "raw" and form != "mat":
        raise InputError(f"depth='{depth}': only the mat form has it, and this is the {form} form")
    if form == "mat":
        mat_path = data_root / MAT_NAME
        return NYUMat(mat_path, split, split_path or data_root / SPLITS_NAME, depth)
    if form == "sync":
        return NYUSync(data_root, split, split_path)
    if split_path is not None:
        raise InputError(f"split_file={split_path}: the h5 form has its splits in folders, take split_file away")
    return NYUH5(data_root, split)


def find_forms(data_root: Path) -> list[str]:
    """Return the forms of NYU Depth V2 that `data_root` holds. Raises `InputError` when it is not a folder.

    A split file in the parent folder (BTS's own layout) counts only where nothing else lies.
    """
    if not data_root.is_dir():
        raise InputError(f"{data_root}: no such folder; see data/README.md for where data sets go")
    forms = []
    if (data_root / MAT_NAME).is_file():
        forms.append("mat")
    if any((data_root / name).is_file() for split in SPLITS for name in split_file_names(split)):
        forms.append("sync")
    if any(next((data_root / folder).rglob("*.h5"), None) for folder in SPLIT_FOLDERS.values()):
        forms.append("h5")
    if not forms and any(find_split_file(data_root, split) for split in SPLITS):
        forms.append("sync")
    return forms


def pick_form(data_root: Path) -> str:
    """Return the one form that `data_root` holds; raises `InputError` when there is none, or more than
    one.
    """
    forms = find_forms(data_root)
    if not forms:
        raise InputError(
            f"{data_root}: holds no known form of NYU Depth V2; expected {MAT_NAME}, split lists train.txt "
            "and test.txt, or FastDepth's train/ and val/official/ (see data/README.md)"
        )
    if len(forms) > 1:
        raise InputError(f"{data_root}: holds NYU Depth V2 as {' and as '.join(forms)}; name one with form=")
    return forms[0]
