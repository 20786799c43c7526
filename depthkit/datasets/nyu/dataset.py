"""NYU Depth V2 (Silberman et al., ECCV 2012): the data set, and which form of it a folder contains."""

from pathlib import Path
from typing import Literal, get_args

from depthkit.datasets.base_dataset import Indices, Pipeline
from depthkit.datasets.depth_dataset import DepthDataset, FrameSource
from depthkit.datasets.nyu.h5 import NYUH5, SPLIT_FOLDERS
from depthkit.datasets.nyu.mat import MAT_NAME, SPLITS_NAME, Depth, NYUMat
from depthkit.datasets.nyu.sync import NYUSync, find_split_file, split_file_names
from depthkit.errors import InputError
from depthkit.registry import DATASETS
from depthkit.utils.paths import expand_home
from depthkit.utils.validation import validate_arguments

Form = Literal["auto", "mat", "sync", "h5"]
Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


@DATASETS.register_module()
class NYUDepthV2(DepthDataset):
    """NYU Depth V2's official split from a labelled `.mat`, BTS sync folders, or FastDepth `.h5` files.

    Samples have the intrinsics of NYU's camera, or those of the list's focal length.

    Args:
        data_root: the folder; data/README.md shows what it looks like in each form.
        split: ``train`` or ``test``.
        form: ``mat``, ``sync`` or ``h5``; ``auto`` takes the one that `data_root` contains.
        split_file: the split's list (.txt: sync form) or `splits.mat` (mat form), if it lies elsewhere.
        depth: ``raw`` or ``filled`` (mat form only).
        pipeline: transforms, the last of them `PackDepthInputs`.
        indices: take only the first N frames, or those at these places.

    Raises:
        InputError: the form cannot be determined, a split or any of its files is missing, or an argument is out of
            range; when it is read, a damaged frame.
    """

    @validate_arguments
    def __init__(
        self,
        data_root: str | Path,
        split: Split = "train",
        form: Form = "auto",
        split_file: str | Path | None = None,
        depth: Depth = "raw",
        pipeline: Pipeline = None,
        indices: Indices = None,
    ) -> None:
        source = open_nyu(expand_home(data_root), split, form, split_file, depth)
        super().__init__(source, pipeline, test_mode=split == "test", indices=indices)


def open_nyu(
    data_root: Path, split: Split, form: Form = "auto", split_file: str | Path | None = None, depth: Depth = "raw"
) -> FrameSource:
    """Open one split of the NYU data in `data_root`; the arguments are those of `NYUDepthV2`.

    Raises:
        InputError: the folder or a file is missing or cannot be used, or `depth` or `split_file` does not go with the
            form.
    """
    split_path = None if split_file is None else expand_home(split_file)
    if form == "auto":
        named = {".txt": "sync", ".mat": "mat"}.get(split_path.suffix) if split_path else None
        form = named or pick_form(data_root)
    if depth != "raw" and form != "mat":
        raise InputError(f"depth='{depth}': only the mat form has it; this is the {form} form")
    if form == "mat":
        mat_path = data_root / MAT_NAME
        return NYUMat(mat_path, split, split_path or data_root / SPLITS_NAME, depth)
    if form == "sync":
        return NYUSync(data_root, split, split_path)
    if split_path is not None:
        raise InputError(f"split_file={split_path}: the h5 form has its splits in folders; remove split_file")
    return NYUH5(data_root, split)


def find_forms(data_root: Path) -> list[str]:
    """List the forms of NYU Depth V2 that `data_root` contains; raise `InputError` if it is not a folder.

    A split file in the parent folder (BTS's own layout) counts only if there is no other form.
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
    """Return the form that `data_root` contains; raise `InputError` unless it is exactly one."""
    forms = find_forms(data_root)
    if not forms:
        raise InputError(
            f"{data_root}: contains no known form of NYU Depth V2; expected {MAT_NAME}, split lists train.txt "
            "and test.txt, or FastDepth's train/ and val/official/ (see data/README.md)"
        )
    if len(forms) > 1:
        raise InputError(f"{data_root}: contains NYU Depth V2 as {' and as '.join(forms)}; name one with form=")
    return forms[0]
