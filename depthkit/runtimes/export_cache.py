"""Exported graphs that are kept between runs, in a folder of the user's cache."""

import hashlib
import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

import depthkit
from depthkit.errors import InputError
from depthkit.utils.output_file import atomic_path
from depthkit.utils.paths import cache_folder

_DIGITS = 32  # of a hash that stand in a name
_CHUNK = 2**20  # [bytes]
_ELSEWHERE = "name another folder for exported graphs in the environment variable DEPTHKIT_CACHE"


def graphs_folder() -> Path:
    """Return the folder of exported graphs."""
    return cache_folder() / "graphs"


def graph_key(model: nn.Module, settings: Mapping[str, object]) -> str:
    """Return a hash of all that a graph of `model` depends on.

    That is each weight, its `settings` (JSON can hold them), and the versions of depthkit, of its code of models and of
    torch.
    """
    digest = hashlib.sha256()
    versions = [depthkit.__version__, torch.__version__, _code_hash()]
    digest.update(json.dumps([versions, settings], sort_keys=True, default=str).encode())
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


def cached_graph(key: str, make: Callable[[Path], None]) -> Path:
    """Return the file of a graph, made by `make` if there is none yet, or if it is damaged.

    A file's name holds the hash of its content. Several processes may make the same graph at the same time.

    Args:
        key: from `graph_key`.
        make: writes the graph to the path that it gets, which ends in ``.onnx``.

    Raises:
        InputError: the folder cannot be written, or what `make` raises.
    """
    folder = graphs_folder()
    for path in sorted(folder.glob(f"{key}-*.onnx")) if folder.is_dir() else ():
        if _is_complete(path):
            return path
        print(f"note: {path}: the kept graph is damaged; it is made again", file=sys.stderr)
        path.unlink(missing_ok=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); {_ELSEWHERE}") from error
    print("note: exporting the model for this runtime; the graph is kept for the next time", file=sys.stderr)
    temporary = folder / f".{secrets.token_hex(4)}.onnx"
    try:
        make(temporary)
        final = folder / f"{key}-{_hash(temporary)}.onnx"
        os.replace(temporary, final)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); free some space, or {_ELSEWHERE}") from error
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


def _is_complete(path: Path) -> bool:
    return path.stem.rpartition("-")[2] == _hash(path)


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
