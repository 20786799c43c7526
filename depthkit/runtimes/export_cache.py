"""Exported graphs that are kept between runs, in a folder of the user's cache."""

import hashlib
import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from torch import Tensor, nn

import depthkit
from depthkit.errors import InputError
from depthkit.runtimes.export_lock import one_process
from depthkit.utils.output_file import atomic_path
from depthkit.utils.paths import cache_folder

_DIGITS = 32  # of a hash that stand in a name
_CHUNK = 2**20  # [bytes]
_MAKERS = ("torch", "timm", "onedl-mmsegmentation", "onedl-mmengine", "onnx", "onnxscript", "onnxruntime")  # of graphs
_ELSEWHERE = "name another folder for exported graphs in the environment variable DEPTHKIT_CACHE"


def graphs_folder() -> Path:
    """Return the folder of exported graphs."""
    return cache_folder() / "graphs"


def graph_key(model: nn.Module, settings: Mapping[str, object]) -> str:
    """Return a hash of all that a graph of `model` depends on.

    That is each weight, its `settings` (JSON can hold them), the numbers and texts that its modules hold, the files of
    their classes, and the versions of depthkit, of its code of models and of the packages that make graphs.
    """
    digest = hashlib.sha256()
    versions = [depthkit.__version__, _code_hash(), *map(package_version, _MAKERS)]
    digest.update(json.dumps([versions, settings, _state_of(model)], sort_keys=True, default=str).encode())
    for path in _files_of(model):
        digest.update(path.read_bytes())
    for name, value in sorted(model.state_dict().items()):
        value = value.detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(memoryview(value.reshape(-1).view(torch.uint8).numpy()))
    return digest.hexdigest()[:_DIGITS]


def derived_key(key: str, images: Sequence[Tensor]) -> str:
    """Return a hash of what is made of the graph of `key` with `images`."""
    digest = hashlib.sha256(key.encode())
    for image in images:
        digest.update(f"{tuple(image.shape)}".encode())
        digest.update(memoryview(image.cpu().contiguous().numpy()).cast("B"))
    return digest.hexdigest()[:_DIGITS]


def cached_graph(key: str, make: Callable[[Path], None], again: bool = False) -> Path:
    """Return the file of a graph, made by `make` if there is none, if it is damaged, or to have it again.

    A file's name holds the hash of its content. Of several processes one makes the graph, and the others wait for it.

    Args:
        key: from `graph_key`.
        make: writes the graph to the path that it gets, which ends in ``.onnx``.
        again: make it, in place of one that was kept.

    Raises:
        InputError: the folder cannot be read or written, or what `make` raises.
    """
    folder = graphs_folder()
    if not again and (found := _find_complete(folder, key)) is not None:
        return found
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); {_ELSEWHERE}") from error
    try:
        with one_process(folder / f".{key}.lock"):
            found = None if again else _find_complete(folder, key)  # another process may have made it
            return _make_graph(folder, key, make) if found is None else found
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); free some space, or {_ELSEWHERE}") from error


def _make_graph(folder: Path, key: str, make: Callable[[Path], None]) -> Path:
    """Make a graph in place of those that are kept, and return its file.

    Raises:
        OSError: it cannot be written.
        Exception: what `make` raises.
    """
    print("note: exporting the model for this runtime; the graph is kept for the next time", file=sys.stderr)
    temporary = folder / f".{secrets.token_hex(4)}.onnx"
    try:
        make(temporary)
        final = folder / f"{key}-{_hash(temporary)}.onnx"
        os.replace(temporary, final)
        for path in folder.glob(f"{key}-*.onnx"):
            if path != final:
                path.unlink(missing_ok=True)
    finally:
        temporary.unlink(missing_ok=True)
    return final


def remembered(key: str) -> dict | None:
    """Return what `remember` noted for `key`; None if nothing, or nothing readable."""
    try:
        found = json.loads((graphs_folder() / f"{key}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def remember(key: str, content: dict) -> None:
    """Note what was measured for `key`, where the folder can be written."""
    folder = graphs_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(folder / f"{key}.json") as temporary:
            temporary.write_text(json.dumps(content), encoding="utf-8")
    except (OSError, InputError):
        return


def package_version(package: str) -> str | None:
    """Return the version of an installed package; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _find_complete(folder: Path, key: str) -> Path | None:
    """Return the first graph of `key` whose content is that of its name; delete the others.

    Raises:
        InputError: one cannot be read.
    """
    try:
        return _first_complete(sorted(folder.glob(f"{key}-*.onnx")) if folder.is_dir() else [])
    except OSError as error:
        where = error.filename or folder
        raise InputError(f"{where}: cannot be read ({error.strerror}); delete it, or {_ELSEWHERE}") from error


def _first_complete(paths: Sequence[Path]) -> Path | None:
    for path in paths:
        try:
            is_complete = path.stem.rpartition("-")[2] == _hash(path)
        except FileNotFoundError:  # another process has made it again
            continue
        if is_complete:
            return path
        print(f"note: {path}: the kept graph is damaged; it is made again", file=sys.stderr)
        path.unlink(missing_ok=True)
    return None


def _state_of(model: nn.Module) -> list:
    """Return the class of each module, and what it holds of plain values: a user may change these too."""
    return [
        (name, type(module).__qualname__, {key: value for key, value in vars(module).items() if _is_plain(value)})
        for name, module in model.named_modules()
    ]


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return isinstance(value, bool | int | float | str)


def _files_of(model: nn.Module) -> list[Path]:
    """Return the source files of the classes of a model's modules, also those that are not depthkit's."""
    classes = {one for module in model.modules() for one in type(module).__mro__}
    names = (getattr(sys.modules.get(one.__module__), "__file__", None) for one in classes)
    paths = {Path(name) for name in names if name is not None}
    return sorted(path for path in paths if path.is_file())


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()[:_DIGITS]


@cache
def _code_hash() -> str:
    """Return a hash of the code that makes graphs: between two releases the version says too little."""
    root = Path(depthkit.__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*root.glob("models/**/*.py"), *root.glob("export/*.py"), *root.glob("runtimes/*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()
