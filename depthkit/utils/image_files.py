"""Find images on disk, and name what is made of them.

This module does not import torch, so that commands find out first whether there is anything to do.
"""

import fnmatch
import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from depthkit.errors import InputError
from depthkit.utils.url_files import url_scheme

IMAGE_SUFFIXES = frozenset(
    {
        ".avif",
        ".bmp",
        ".gif",
        ".heic",
        ".heif",
        ".jp2",
        ".jpeg",
        ".jpg",
        ".pgm",
        ".png",
        ".ppm",
        ".tif",
        ".tiff",
        ".webp",
    }
)
_MAX_NAMED = 6


def list_images(folder: str | Path, recursive: bool = False, suffixes: Iterable[str] = IMAGE_SUFFIXES) -> list[Path]:
    """List the images in a folder, sorted by path.

    Only regular files count. Names that begin with a dot are left out, folders of that kind too; links to folders
    are not followed.

    Args:
        folder: an existing folder.
        recursive: include subfolders.
        suffixes: lower-case suffixes of the files to list.

    Returns:
        The files, each as `folder` joined with its path in there; may be empty.
    """
    return list(_scan(os.fspath(folder), recursive, frozenset(suffixes)))


def find_images(patterns: Sequence[str], recursive: bool = False) -> tuple[list[Path], dict[str, str]]:
    """Find the images that the arguments of a command line name.

    Args:
        patterns: files, folders (the images directly in them) and globs (also ``**``). A named file is taken whatever
            its suffix, so that its content is checked when it is read.
        recursive: take the images in the subfolders of folders, too.

    Returns:
        The files in the order of the patterns, sorted within each pattern and without repetition; and one sentence
        for every pattern that names none, by the pattern.
    """
    images: dict[Path, Path] = {}
    problems = {}
    for pattern in patterns:
        path = os.path.expanduser(pattern)
        if os.path.isdir(path):
            found = list_images(path, recursive)
            problem = (
                f"no images in this folder{' or below it' * recursive}; expected {', '.join(sorted(IMAGE_SUFFIXES))}"
            )
        elif os.path.exists(path):  # also a file whose name contains a bracket or a star
            found = [Path(path)] if os.path.isfile(path) else []
            problem = "not a regular file; expected an image"
        elif glob.has_magic(path):
            found = [Path(name) for name in sorted(glob.glob(path, recursive=True)) if os.path.isfile(name)]
            problem = "no file matches; check the pattern"
        else:
            found, problem = [], "no such file or folder"
            if url_scheme(pattern) is not None:
                problem = "an address; download the file and give its path (in Python DepthPredictor takes addresses)"
        if not found:
            problems[pattern] = f"{pattern}: {problem}"
        for file in found:
            images.setdefault(file.resolve(), file)
    return list(images.values()), problems


def describe_skipped(patterns: Sequence[str], recursive: bool = False) -> list[str]:
    """Say for each folder among `patterns` which visible files `find_images` leaves out.

    Returns:
        One sentence for each folder that has any, with their number by suffix, or that has subfolders which are not
        `recursive`ly searched.
    """
    sentences = []
    for pattern in patterns:
        folder = os.path.expanduser(pattern)
        if not os.path.isdir(folder):
            continue
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
        files = [entry for entry in visible if not os.path.isdir(entry.path)]  # entry.is_dir() fails at a loop of links
        folders = len(visible) - len(files)
        suffixes = [os.path.splitext(entry.name)[1].lower() for entry in files]
        skipped = Counter(suffix for suffix in suffixes if suffix not in IMAGE_SUFFIXES).most_common()
        count = sum(number for _, number in skipped)
        parts = []
        if skipped:
            named = [f"{number} {suffix or 'without a suffix'}" for suffix, number in skipped[:_MAX_NAMED]]
            named += ["others"] * (len(skipped) > _MAX_NAMED)
            parts.append(f"{count} file{'s' * (count > 1)} without the suffix of an image ({', '.join(named)})")
        if folders and not recursive:
            inside = os.path.join(pattern, "**", "*.jpg")
            parts.append(f"{folders} subfolder{'s' * (folders > 1)} ('{inside}' names theirs)")
        if parts:
            sentences.append(f"{pattern}: skipped {' and '.join(parts)}")
    return sentences


def named_folders(patterns: Sequence[str]) -> list[Path]:
    """Return the folders among the arguments of a command line, as `find_images` names what lies in them."""
    paths = map(os.path.expanduser, patterns)
    return [Path(path) for path in paths if os.path.isdir(path)]


def mirrored_stems(images: Sequence[Path], folders: Sequence[Path]) -> list[str]:
    """Make a distinct name for the results of each image, with its subfolder in one of `folders`.

    Within each subfolder as `unique_stems`: folder/sub/a.jpg gets sub/a.
    """
    groups: dict[str, list[int]] = {}
    places = []
    for number, image in enumerate(images):
        inside = (image.parent.relative_to(folder) for folder in folders if image.is_relative_to(folder))
        places.append(next((place for place in inside if ".." not in place.parts), Path()))
        groups.setdefault(str(places[-1]).casefold(), []).append(number)
    stems = [""] * len(images)
    for numbers in groups.values():
        for number, stem in zip(numbers, unique_stems([images[number] for number in numbers]), strict=True):
            stems[number] = (places[number] / stem).as_posix()
    return stems


def unique_stems(images: Sequence[Path]) -> list[str]:
    """Make a distinct name for the results of each image.

    The name is the image's stem; images that share it get the suffix added, then the folder, then a number. Names
    that differ only in case count as equal, because many file systems treat them so.
    """
    stems = [image.stem for image in images]
    for make_name in (_with_suffix, _with_folder):
        counts = Counter(stem.casefold() for stem in stems)
        stems = [
            make_name(image) if counts[stem.casefold()] > 1 else stem for image, stem in zip(images, stems, strict=True)
        ]
    names: dict[str, str] = {}  # by their case-folded form
    for stem in stems:
        name, number = stem, 1
        while name.casefold() in names:
            number += 1
            name = f"{stem}_{number}"
        names[name.casefold()] = name
    return list(names.values())


def check_not_inputs(results: Iterable[Path], inputs: Iterable[str | Path]) -> None:
    """Raise `InputError` if a file that is about to be written is one of the inputs."""
    sources = {os.path.realpath(source) for source in inputs}  # unlike Path.resolve it takes a loop of links
    for path in results:
        if os.path.realpath(path) in sources:
            raise InputError(f"{path}: is one of the inputs and would be overwritten; choose another output")


def check_not_found_again(
    patterns: Sequence[str],
    results: Iterable[Path],
    suffixes: frozenset[str] = IMAGE_SUFFIXES,
    recursive: bool = False,
) -> None:
    """Raise `InputError` if a folder or glob in `patterns` would find a result as an image the next time.

    An image that is named itself may have its results beside it. Files of other `suffixes` would not be found. With
    `recursive` folders are searched with their subfolders.
    """
    for path in results:
        for pattern in patterns:
            name = os.path.expanduser(pattern)
            if os.path.isdir(name):
                inside = _parts_below(os.path.realpath(path.parent), os.path.realpath(name))
                again = inside == () or (
                    recursive and inside is not None and not any(p.startswith(".") for p in inside)
                )
            else:
                whole = Path(os.path.abspath(name)).parts
                again = not os.path.exists(name) and match_parts(path.absolute().parts, whole)
            if again and path.suffix in suffixes:
                raise InputError(
                    f"{path.parent}: results there would be taken for images by '{pattern}' the next time; choose "
                    "another --out"
                )


def _parts_below(path: str, folder: str) -> tuple[str, ...] | None:
    """Return the names that lead from `folder` to `path`; None if that lies elsewhere."""
    return Path(path).relative_to(folder).parts if Path(path).is_relative_to(folder) else None


def match_parts(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """Tell whether the parts of a path match those of a glob, of which ``**`` is any number."""
    if not pattern or not names:
        return not pattern and not names
    if pattern[0] == "**" and len(pattern) > 1:
        return match_parts(names, pattern[1:]) or match_parts(names[1:], pattern)
    return fnmatch.fnmatchcase(names[0], pattern[0]) and match_parts(names[1:], pattern[1:])


def _scan(folder: str, recursive: bool, suffixes: frozenset[str]) -> Iterator[Path]:
    # scandir knows what is a file without asking the disk for each of a million images.
    with os.scandir(folder) as entries:
        visible = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
    for entry in visible:
        if recursive and entry.is_dir(follow_symlinks=False):
            yield from _scan(entry.path, recursive, suffixes)
        elif os.path.splitext(entry.name)[1].lower() in suffixes and _is_file(entry):
            yield Path(entry.path)


def _is_file(entry: os.DirEntry) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a loop of links
        return False


def _with_suffix(image: Path) -> str:
    return f"{image.stem}_{image.suffix[1:]}" if image.suffix else image.stem


def _with_folder(image: Path) -> str:
    return f"{image.resolve().parent.name}_{_with_suffix(image)}"
