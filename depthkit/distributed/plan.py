"""What a data set consists of: the units of work, each of which becomes one shard of results."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from depthkit.errors import InputError
from depthkit.utils.data_patterns import match, split_pattern
from depthkit.utils.image_files import IMAGE_SUFFIXES
from depthkit.utils.storage import Place, StoredFile
from depthkit.utils.url_files import url_scheme

Form = Literal["images", "webdataset", "parquet"]
Format = Literal["webdataset", "parquet"]

SUFFIXES = {"webdataset": ".tar", "parquet": ".parquet"}
_TARS = (".tar", ".tar.gz", ".tgz")


@dataclass(frozen=True)
class Unit:
    """Images whose results are one shard.

    Attributes:
        number: of the shard.
        files: names below the folder of the data set: images, or one file that has images in it.
        size: [bytes] of all of them.
        state: SHA-256 of their names, sizes and times of change; where it is another, the shard is made again.
    """

    number: int
    files: tuple[str, ...]
    size: int
    state: str


@dataclass(frozen=True)
class Plan:
    """A data set, divided.

    Attributes:
        folder: where it lies.
        form: what its files are.
        units: one for each shard of results.
        fingerprint: SHA-256 of the names of all files, and of how they are divided.
        images: how many there are, where that is known without reading the files.
    """

    folder: Place
    form: Form
    units: tuple[Unit, ...]
    fingerprint: str
    images: int | None


def make_plan(address: str, images_per_shard: int) -> Plan:
    """List a data set, and divide it into units of work. No file of it is read.

    A tar file or a Parquet file becomes one shard of results, so that even of 10^9 images the names of the files alone
    are held in memory. Single images are put together, sorted by name.

    Args:
        address: a folder, which is searched with its subfolders; a file; or a glob (`split_pattern`).
        images_per_shard: of single images.

    Raises:
        InputError: there is nothing, images lie beside tar or Parquet files, or the place cannot be listed.
    """
    folder, pattern = split_pattern(address)
    place = Place(folder)
    if not pattern:
        is_folder = place.is_folder()
        if is_folder is False:
            head, question, options = folder.partition("?") if url_scheme(folder) else (folder, "", "")
            parent, _, name = head.rstrip("/").rpartition("/")
            place = Place((parent or ("/" if head.startswith("/") else ".")) + question + options)
            file = place.file(name)
            files = [] if file is None else [file]
        else:
            files = place.files()
    else:
        files = match(place, pattern)
    forms: dict[Form, list[StoredFile]] = {}
    for file in files:
        form = _form(file.name)
        if form is not None:
            forms.setdefault(form, []).append(file)
    if not forms:
        raise InputError(
            f"{address}: there are no images, tar files or Parquet files there; expected a folder, a file or a glob of "
            "them"
        )
    if len(forms) > 1:
        found = " and ".join(f"{len(some)} of the form {form}" for form, some in forms.items())
        raise InputError(f"{address}: has files of several forms ({found}); choose one by a glob such as '**/*.tar'")
    ((form, chosen),) = forms.items()
    size = images_per_shard if form == "images" else 1
    parts = [chosen[start : start + size] for start in range(0, len(chosen), size)]
    units = [
        Unit(number, tuple(file.name for file in part), sum(file.size for file in part), _hash(map(repr, part)))
        for number, part in enumerate(parts)
    ]
    fingerprint = _hash([str(size), *(file.name for file in chosen)])
    return Plan(place, form, tuple(units), fingerprint, len(chosen) if form == "images" else None)


def shard_name(number: int, form: Format) -> str:
    """Return the name of a shard of results: ``shard-000012.tar``."""
    return f"shard-{number:06d}{SUFFIXES[form]}"


def _form(name: str) -> Form | None:
    name = name.lower()
    if name.endswith(_TARS):
        return "webdataset"
    if name.endswith(".parquet"):
        return "parquet"
    return "images" if os.path.splitext(name)[1] in IMAGE_SUFFIXES else None


def _hash(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
