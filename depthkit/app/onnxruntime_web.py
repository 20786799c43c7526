"""The files of onnxruntime-web, which runs a model in a browser: from a folder, or from npm."""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from depthkit.errors import InputError

VERSION = "1.23.2"  # that the page was tested with
SHA256 = "0b8707d7efab9a2bea63564d66cad79e897cfd0bd627e5ae000488ffc1c45c7d"  # of npm's archive of it
# What the page loads, by the names that it has there: a plain suffix, as some servers know no .mjs.
FILES = {"onnxruntime.js": "ort.wasm.bundle.min.mjs", "onnxruntime.wasm": "ort-wasm-simd-threaded.wasm"}
_PACKAGE = f"onnxruntime-web@{VERSION}"
_SECONDS = 600  # of a download of 26 MB


@contextmanager
def find_onnxruntime(folder: Path | None, offline: bool = False) -> Iterator[Path]:
    """Yield the folder with the files of `FILES`.

    Args:
        folder: of the unpacked package, or its ``dist``; None: the package is fetched by npm, and is gone afterwards.
        offline: npm looks in its cache only.

    Raises:
        InputError: they are not there, or npm cannot fetch them.
    """
    if folder is not None:
        yield _check(folder)
        return
    with tempfile.TemporaryDirectory(prefix="depthkit-") as temporary:
        yield _fetch(Path(temporary), offline)


def _check(folder: Path) -> Path:
    for place in (folder, folder / "dist", folder / "package" / "dist"):
        if all((place / name).is_file() for name in FILES.values()):
            return place
    raise InputError(
        f"{folder}: has no {' and '.join(FILES.values())}; give the unpacked npm package {_PACKAGE}, or its folder dist"
    )


def _fetch(folder: Path, offline: bool) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise InputError(
            f"the page needs the npm package {_PACKAGE}, and npm is not installed here; unpack "
            f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz and name its folder by "
            "--onnxruntime-web"
        )
    command = [npm, "pack", "--silent", _PACKAGE, *(["--offline"] if offline else [])]
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"npm could not fetch {_PACKAGE} ({error}); name its folder by --onnxruntime-web") from error
    archive = folder / f"onnxruntime-web-{VERSION}.tgz"
    if done.returncode or not archive.is_file():
        raise InputError(
            f"npm could not fetch {_PACKAGE} (status {done.returncode}); look at the network, or name the folder of "
            "the package by --onnxruntime-web"
        )
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        raise InputError(f"npm gave another {_PACKAGE} than the one that was tested; do not use this registry")
    with tarfile.open(archive) as opened:
        for name in FILES.values():
            with opened.extractfile(f"package/dist/{name}") as content, open(folder / name, "wb") as file:
                shutil.copyfileobj(content, file)
    return _check(folder)
