"""Which images are to be predicted, and which files each of them gets."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from depthkit.apis.existing_results import is_complete
from depthkit.apis.result_files import Kind, output_paths
from depthkit.apis.source_record import Source, SourceRecord, find_source
from depthkit.utils.image_files import check_not_inputs, mirrored_stems
from depthkit.utils.output_file import check_file_name
from depthkit.utils.output_folder import check_output_folder


class PlannedImage(NamedTuple):
    """An image and the files of its results.

    Attributes:
        image: the image's file.
        folder: of its results.
        stem: how their names begin.
        results: the files.
        source: what the image is before it is read; None if there is none.
    """

    image: Path
    folder: Path
    stem: str
    results: tuple[Path, ...]
    source: Source | None

    def is_done(self, record: SourceRecord) -> bool:
        """Tell whether all results are complete, and of this image as the folder's `record` says."""
        return all(record.has(path, self.source) and is_complete(path) for path in self.results)

    def check_names(self) -> None:
        """Raise `InputError` if a file cannot have the name of a result."""
        for path in self.results:
            check_file_name(path)


def make_plan(
    images: Sequence[Path], out_dir: Path, mirrored: Sequence[Path], kind: Kind, outputs: Sequence[str]
) -> list[PlannedImage]:
    """Find a name for the results of each image; nothing is written yet.

    Args:
        images: files, in any order; results of images with the same name get different names.
        out_dir: folder of all results.
        mirrored: folders; results of images below them lie in the same subfolders of `out_dir`.
        kind: of the results.
        outputs: see `choose_outputs`.

    Raises:
        InputError: a result would replace one of the images, or a folder cannot be made or written to.
    """
    plan = []
    for image, stem in zip(images, mirrored_stems(images, mirrored), strict=True):
        named = out_dir / stem
        paths = output_paths(named.parent, named.name, kind, outputs)
        plan.append(PlannedImage(image, named.parent, named.name, tuple(paths.values()), find_source(image)))
    check_not_inputs([path for one in plan for path in one.results], images)
    for folder in {one.folder for one in plan}:
        check_output_folder(folder)
    return plan
