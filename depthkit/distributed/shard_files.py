"""A shard of results on this machine's disk: a tar file as WebDataset reads it, or a Parquet file."""

import io
import json
import os
import re
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from depthkit.distributed.plan import Format

_FIELDS = {
    "status": "string", "error": "string", "kind": "string", "unit": "string", "height": "int32", "width": "int32",
    "png_units_per_metre": "float64", "saturated": "int64", "min_depth": "float32", "max_depth": "float32",
    "min_disparity": "float32", "max_disparity": "float32", "focal_length": "float64", "focal_source": "string",
    "metres_follow_focal": "bool_", "reduction": "int32",
}  # fmt: skip
_ROWS = 32  # of a Parquet file, held before they are written


class ShardFile(Protocol):
    """What takes the results of a shard."""

    def add(self, name: str, row: dict, files: dict[str, bytes]) -> None:
        """Add the result of an image: what is known about it, and its files by the end of their names."""

    def close(self) -> None:
        """Complete the file."""


def open_shard(path: Path, form: Format, endings: Sequence[str]) -> ShardFile:
    """Begin a shard of results whose files have these endings."""
    return _TarShard(path) if form == "webdataset" else _ParquetShard(path, endings)


class Keys:
    """Keys of samples: a name without its suffix and without dots, and never the same twice in a shard."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def of(self, name: str) -> str:
        """Return the key of an image."""
        folder, _, base = name.rpartition("/")
        stem = os.path.splitext(base)[0].replace(".", "_")
        whole = re.sub(r"(^|/)\.*/", "/", f"{folder}/{stem}").lstrip("/") or "image"
        key, number = whole, 1
        while key in self._used:
            number += 1
            key = f"{whole}_{number}"
        self._used.add(key)
        return key


class _TarShard:
    def __init__(self, path: Path) -> None:
        # GNU tar's form takes names of any length; times and owners are left out, so equal results are equal files.
        self._tar = tarfile.open(path, "w", format=tarfile.GNU_FORMAT)  # noqa: SIM115 (closed below)
        self._keys = Keys()

    def add(self, name: str, row: dict, files: dict[str, bytes]) -> None:
        key = self._keys.of(name)
        told = {"image": name, **{field: value for field, value in row.items() if value is not None}}
        files = {**files, "json": json.dumps(told, ensure_ascii=False).encode("utf-8", "backslashreplace")}
        for ending, content in files.items():
            info = tarfile.TarInfo(f"{key}.{ending}")
            info.size = len(content)
            self._tar.addfile(info, io.BytesIO(content))

    def close(self) -> None:
        self._tar.close()


class _ParquetShard:
    def __init__(self, path: Path, endings: Sequence[str]) -> None:
        import pyarrow
        from pyarrow import parquet

        self._columns = {ending: re.sub(r"\W", "_", ending) for ending in endings}
        fields = [("key", "string"), ("image", "string"), *_FIELDS.items(), ("metadata", "string")]
        schema = [(name, getattr(pyarrow, kind)()) for name, kind in fields]
        schema += [(column, pyarrow.large_binary()) for column in self._columns.values()]
        self._schema = pyarrow.schema(schema)
        self._writer = parquet.ParquetWriter(path, self._schema, compression="NONE")  # PNG files are compressed
        self._keys, self._rows = Keys(), []

    def add(self, name: str, row: dict, files: dict[str, bytes]) -> None:
        told = {field: row.get(field) for field in _FIELDS}
        name = name.encode("utf-8", "backslashreplace").decode()  # a name in a tar file may be no text
        told |= {"key": self._keys.of(name), "image": name, "metadata": json.dumps(row.get("metadata", {}))}
        self._rows.append(told | {column: files.get(ending) for ending, column in self._columns.items()})
        if len(self._rows) == _ROWS:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        import pyarrow

        if self._rows:
            self._writer.write_table(pyarrow.Table.from_pylist(self._rows, self._schema))
            self._rows = []
