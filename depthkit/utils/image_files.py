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

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})


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


def find_images(patterns: Sequence[str]) -> tuple[list[Path], dict[str, str]]:
    """Find the images that the arguments of a command line name.

    Args:
        patterns: files, folders (the images directly in them) and globs (also ``**``). A named file is taken whatever
            its suffix, so that its content is checked when it is read.

    Returns:
        The files in the order of the patterns, sorted within each pattern and without repetition; and one sentence
        for every pattern that names none, by the pattern.
    """
    images: dict[Path, Path] = {}
    problems = {}
    for pattern in patterns:
        path = os.path.expanduser(pattern)
        if os.path.isdir(path):
            found = list_images(path)
            problem = f"no images in this folder; expected {', '.join(sorted(IMAGE_SUFFIXES))}"
        elif os.path.exists(path):  # also a file whose name contains a bracket or a star
            found = [Path(path)] if os.path.isfile(path) else []
            problem = "not a regular file; expected an image"
        elif glob.has_magic(path):
            found = [Path(name) for name in sorted(glob.glob(path, recursive=True)) if os.path.isfile(name)]
            problem = "no file matches; check the pattern"
        else:
            found, problem = [], "no such file or folder"
        if not found:
            problems[pattern] = f"{pattern}: {problem}"
        for file in found:
            images.setdefault(file.resolve(), file)
    return list(images.values()), problems


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


def check_not_found_again(patterns: Sequence[str], results: Iterable[Path]) -> None:
    """Raise `InputError` if a folder or glob in `patterns` would find a result as an image the next time.

    An image that is named itself may have its results beside it.
    """
    for path in results:
        for pattern in patterns:
            name = os.path.expanduser(pattern)
            if os.path.isdir(name):
                again = os.path.realpath(path.parent) == os.path.realpath(name)
            else:
                whole = Path(os.path.abspath(name)).parts
                again = not os.path.exists(name) and _matches(path.absolute().parts, whole)
            if again and path.suffix in IMAGE_SUFFIXES:
                raise InputError(
                    f"{path.parent}: results there would be taken for images by '{pattern}' the next time; choose "
                    "another --out"
                )


def _matches(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """Tell whether the parts of a path match those of a glob, of which ``**`` is any number."""
    if not pattern or not names:
        return not pattern and not names
    if pattern[0] == "**" and len(pattern) > 1:
        return _matches(names, pattern[1:]) or _matches(names[1:], pattern)
    return fnmatch.fnmatchcase(names[0], pattern[0]) and _matches(names[1:], pattern[1:])


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
