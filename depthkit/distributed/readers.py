"""The images of one unit of work, one after the other, wherever they lie."""

import tarfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from depthkit.distributed.plan import Form, Unit
from depthkit.errors import InputError
from depthkit.utils.image_files import IMAGE_SUFFIXES
from depthkit.utils.storage import Place

if TYPE_CHECKING:
    from pyarrow import Schema

MAX_BYTES = 256 * 2**20  # of an encoded image: one of 80 megapixels that is not compressed
_ROWS = 16  # of a Parquet file, read at a time


class StoredImage(NamedTuple):
    """An image of a data set, not yet decoded.

    Attributes:
        name: within its data set: a path, a name in a tar file, or of a row.
        read: returns its bytes; may be called in another thread. Raises `InputError` where they cannot be had.
    """

    name: str
    read: Callable[[], bytes]


def read_unit(folder: Place, form: Form, unit: Unit, column: str | None) -> Iterator[StoredImage]:
    """Yield the images of a unit in a fixed order, with few of them in memory.

    Args:
        folder: of the data set.
        form: of its files.
        unit: which of them.
        column: of a Parquet file; None: the only one that can have images.

    Raises:
        InputError: a tar or Parquet file cannot be read; of a single image only its own `read` raises it.
    """
    if form == "images":
        for name in unit.files:
            yield StoredImage(name, lambda name=name: _read_file(folder, name))
        return
    (file,) = unit.files
    yield from (_read_tar(folder, file) if form == "webdataset" else _read_parquet(folder, file, column))


def find_image_column(schema: "Schema", name: str, column: str | None) -> str:
    """Return the column of a Parquet file that has the images: bytes, or a struct with ``bytes`` in it.

    Raises:
        InputError: there is none, or there are several and `column` names none of them.
    """
    import pyarrow

    def has_bytes(of: "pyarrow.DataType") -> bool:
        if pyarrow.types.is_struct(of):
            return of.get_field_index("bytes") >= 0 and has_bytes(of.field("bytes").type)
        return pyarrow.types.is_binary(of) or pyarrow.types.is_large_binary(of) or pyarrow.types.is_binary_view(of)

    possible = [field.name for field in schema if has_bytes(field.type)]
    if column is not None and column in possible:
        return column
    if column is None and len(possible) == 1:
        return possible[0]
    what = f"has no column '{column}' of images" if column is not None else "several columns may have the images"
    if not possible:
        what = "has no column of images (bytes of image files)"
    raise InputError(f"{name}: {what}; it has the columns {', '.join(schema.names)[:200]}; name one by --image-column")


def _read_file(folder: Place, name: str) -> bytes:
    with folder.open(name) as file, folder.errors("read", name):
        return _checked(file.read(MAX_BYTES + 1), name)


def _read_tar(folder: Place, file: str) -> Iterator[StoredImage]:
    expected = "expected a tar file that is complete"
    try:
        with folder.open(file) as stream, tarfile.open(fileobj=stream, mode="r|*") as tar:
            for member in tar:
                if not member.isfile() or not member.name.lower().endswith(tuple(IMAGE_SUFFIXES)):
                    continue
                content = tar.extractfile(member).read(MAX_BYTES + 1)
                yield StoredImage(member.name, lambda content=content, name=member.name: _checked(content, name))
    except (tarfile.TarError, EOFError, ValueError, OSError) as error:  # zlib's errors are among OSError and EOFError
        if isinstance(error, InputError):
            raise
        raise InputError(f"{folder}/{file}: cannot be read ({error}); {expected}") from error


def _read_parquet(folder: Place, file: str, column: str | None) -> Iterator[StoredImage]:
    import pyarrow
    from pyarrow import parquet

    try:
        with folder.open(file, seekable=True) as stream, parquet.ParquetFile(stream) as table:
            column = find_image_column(table.schema_arrow, f"{folder}/{file}", column)
            number = 0
            for batch in table.iter_batches(_ROWS, columns=[column]):
                for value in batch.column(0):
                    yield _row_image(value.as_py(), f"{file}#{number}")
                    number += 1
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{folder}/{file}: cannot be read ({reason}); expected a Parquet file") from error


def _row_image(value: dict | bytes | None, row: str) -> StoredImage:
    path = value.get("path") if isinstance(value, dict) else None
    content = value.get("bytes") if isinstance(value, dict) else value
    name = f"{row} {path}" if path else row
    return StoredImage(name, lambda: _checked(content, name))


def _checked(content: bytes | None, name: str) -> bytes:
    if not content:
        raise InputError(f"{name}: is empty; expected an image")
    if len(content) > MAX_BYTES:
        raise InputError(f"{name}: has more than {MAX_BYTES // 2**20} MiB; expected an image of that size at most")
    return content
