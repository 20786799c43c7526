"""Files where a data set lies: on this machine, or in a bucket by its address."""

import contextlib
import importlib.util
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from depthkit.errors import InputError
from depthkit.utils.folder_listing import list_folder
from depthkit.utils.paths import expand_home
from depthkit.utils.url_files import url_scheme

if TYPE_CHECKING:
    from pyarrow import NativeFile
    from pyarrow.fs import FileInfo, FileSystem

_BUFFER = 2**20  # [bytes], read at a time from a bucket
_CLOUD_ERROR = re.compile(r"AWS Error ([A-Z_]+)|(?:HTTP|status)[^0-9]{0,20}(\d{3})")


class StoredFile(NamedTuple):
    """A file of a data set.

    Attributes:
        name: path below the folder that was listed.
        size: [bytes].
        changed: when, [ns]; 0 where the file system does not say.
    """

    name: str
    size: int
    changed: int = 0


def check_package(name: str) -> None:
    """Check that a package is installed, without importing it.

    Raises:
        InputError: it is not.
    """
    if importlib.util.find_spec(name) is None:
        raise InputError(
            f"{name} is not installed, which data sets on many machines and in buckets need; run: pip install "
            "'depthkit[ray]'"
        )


class Place:
    """A file or folder, and the file system that it is on.

    Pickled as its address: every process opens the file system for itself.

    Args:
        address: a path of this machine, or an address that pyarrow or fsspec knows. Options of pyarrow's may follow:
            ``s3://bucket/images?region=eu-central-1&endpoint_override=minio:9000&scheme=http``.

    Raises:
        InputError: no such kind of address, or a package for it is missing.
    """

    def __init__(self, address: str | os.PathLike) -> None:
        self.address = os.fspath(address)
        self.filesystem, self.path = _open(self.address)

    def __reduce__(self) -> tuple:
        return Place, (self.address,)

    def __str__(self) -> str:
        """Return the address without options and without keys, as results and messages may have it."""
        if url_scheme(self.address) is None:
            return self.address
        return re.sub(r"^([^/]+//)[^/@]*@", r"\1", self.address.partition("?")[0])

    def files(self, depth: int | None = None) -> list[StoredFile]:
        """List the files of the folder and its subfolders, sorted by name; none if there is no such folder.

        Names that begin with a dot are left out, folders of that kind too; links to folders are not followed.

        Args:
            depth: levels that are needed; None: all.
        """
        from pyarrow.fs import FileSelector, FileType

        with self.errors("listed"):
            if self.is_local:
                return sorted(StoredFile(*one) for one in list_folder(self.path, depth))
            selector = FileSelector(self.path, recursive=depth != 1, allow_not_found=True)
            infos = self.filesystem.get_file_info(selector)
        start = len(self.path.rstrip("/")) + 1
        found = [_stored(info.path[start:], info) for info in infos if info.type == FileType.File]
        return sorted(one for one in found if not re.search(r"(^|/)\.", one.name))

    def is_folder(self) -> bool | None:
        """Tell whether this is a folder; None where there is nothing."""
        from pyarrow.fs import FileType

        with self.errors("read"):
            kind = self.filesystem.get_file_info(self.path).type
        return None if kind == FileType.NotFound else kind == FileType.Directory

    def file(self, name: str) -> StoredFile | None:
        """Return a file of the folder; None if there is none."""
        from pyarrow.fs import FileType

        with self.errors("read", name):
            info = self.filesystem.get_file_info(self._join(name))
        return _stored(name, info) if info.type == FileType.File else None

    @property
    def is_local(self) -> bool:
        """Whether the files are on this machine."""
        from pyarrow.fs import LocalFileSystem

        return isinstance(self.filesystem, LocalFileSystem)

    @contextlib.contextmanager
    def open(self, name: str, seekable: bool = False) -> Iterator["NativeFile | BinaryIO"]:
        """Open a file of the folder for reading; what is raised while it is read, is the caller's to tell."""
        path = self._join(name)
        with self.errors("read", name):
            if self.is_local:  # by Python, which takes names that are no text, too
                opened = open(path, "rb")  # noqa: SIM115 (closed below)
            elif seekable:
                opened = self.filesystem.open_input_file(path)
            else:
                opened = self.filesystem.open_input_stream(path, compression=None, buffer_size=_BUFFER)
        with opened as file:
            yield file

    def read(self, name: str) -> bytes | None:
        """Return the content of a file of the folder; None if there is none."""
        with self.errors("read", name):
            try:
                with self.filesystem.open_input_stream(self._join(name), compression=None) as file:
                    return file.read()
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes | Path) -> None:
        """Write a file of the folder, whose folders are made: complete, or not at all.

        Args:
            name: of the file.
            content: its bytes, or a file of this machine.
        """
        path = self._join(name)
        with self.errors("written", name):
            self.filesystem.create_dir(path.rpartition("/")[0], recursive=True)
            # An object of a bucket is there when its upload ends; a file of a folder while it is written.
            target = f"{path.rpartition('/')[0]}/.{secrets.token_hex(8)}" if self.is_local else path
            try:
                with self.filesystem.open_output_stream(target, compression=None) as out:
                    if isinstance(content, bytes):
                        out.write(content)
                    else:
                        with content.open("rb") as source:
                            while chunk := source.read(_BUFFER):
                                out.write(chunk)
                if self.is_local:
                    os.replace(target, path)
            except BaseException:
                if self.is_local:
                    Path(target).unlink(missing_ok=True)
                raise

    def remove(self, name: str) -> None:
        """Remove a folder of this folder with all that is in it, or a file, if there is one."""
        path = self._join(name)
        with self.errors("removed", name), contextlib.suppress(FileNotFoundError):
            if self.file(name) is None:
                self.filesystem.delete_dir(path)
            else:
                self.filesystem.delete_file(path)

    @contextlib.contextmanager
    def errors(self, verb: str, name: str = "") -> Iterator[None]:
        """Turn what a file system raises inside into one sentence about this place."""
        import pyarrow

        try:
            yield
        except (InputError, MemoryError):
            raise
        except (OSError, UnicodeError, pyarrow.ArrowException) as error:  # UnicodeError: of a name
            where = f"{str(self).rstrip('/')}/{name}" if name else str(self)
            raise InputError(
                f"{where}: cannot be {verb} ({_reason(error)}); check the address, and that this account may do so"
            ) from error

    def _join(self, name: str) -> str:
        return f"{self.path.rstrip('/')}/{name}" if name else self.path


def check_apart(source: Place, output: Place) -> None:
    """Check that results do not go where a later run would find them as images.

    Raises:
        InputError: the output is the folder of the data set, or lies in it.
    """
    inner, outer = (
        (os.path.realpath(one.path) if one.is_local else one.path).rstrip("/") + "/" for one in (output, source)
    )
    if source.filesystem == output.filesystem and inner.startswith(outer):
        raise InputError(
            f"{output}: lies in the data set {source}, which would have the results in it; choose another output"
        )


def _stored(name: str, info: "FileInfo") -> StoredFile:
    return StoredFile(name, info.size, info.mtime_ns or 0)


def _open(address: str) -> tuple["FileSystem", str]:
    if not address.strip():
        raise InputError(
            "the empty text does not name a folder; expected a path or an address such as s3://bucket/folder"
        )
    check_package("pyarrow")
    import pyarrow
    from pyarrow import fs

    scheme = url_scheme(address)
    if scheme is None:
        return fs.LocalFileSystem(), str(expand_home(address).absolute())
    try:
        return fs.FileSystem.from_uri(address)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
        if "nrecognized filesystem type" not in str(error):
            raise InputError(f"{address}: is not an address that can be used ({_reason(error)})") from error
    except OSError as error:
        raise InputError(f"{address}: cannot be reached ({_reason(error)}); check the address") from error
    import fsspec

    try:
        filesystem, path = fsspec.core.url_to_fs(address)
    except (ValueError, ImportError) as error:
        raise InputError(
            f"{address}: files of '{scheme}' cannot be read here ({_reason(error)}); give a path, s3:// or gs://, or "
            "install fsspec's package for it"
        ) from error
    return fs.PyFileSystem(fs.FSSpecHandler(filesystem)), path


def _reason(error: BaseException) -> str:
    found = _CLOUD_ERROR.search(str(error))
    if found:
        return found[1] or found[2]
    words = " ".join((getattr(error, "strerror", None) or str(error) or type(error).__name__).split())
    words = re.sub(r"\. Detail: .*", "", words)
    return words if len(words) <= 160 else f"{words[:160]} ..."
