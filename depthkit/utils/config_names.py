"""Find misspelt settings of a config and misspelt options for it."""

import ast
import difflib
import functools
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthkit.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config

# What our Runner and tools read from a config beside the arguments of mmengine's Runner.
_OURS = {
    "activation_checkpointing", "compile", "custom_imports", "find_unused_parameters", "model_wrapper_cfg",
    "runner_type", "sync_bn", "test_pipeline",
}  # fmt: skip


@functools.cache
def _settings() -> set[str]:
    """Return what is read from a config; an option may add one that the config does not have."""
    from mmengine.runner import Runner

    return {*inspect.signature(Runner).parameters, *_OURS} - {"cfg", "data_preprocessor", "launcher"}


def check_names(path: Path, tree: ast.Module, own: set[str], bases: dict) -> None:
    """Raise InputError for a misspelt setting; another name that nothing reads is the user's own variable."""
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    known = _settings() | bases.keys()
    for name in sorted(own - read - known):
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
        if near:
            raise InputError(f"{path}: '{name}' is set, but nothing reads it; did you mean {near[0]}?")


def check_option(config: "Config", key: str, path: Path) -> None:
    """Raise InputError, with the nearest names, when `key` leads nowhere in `config`."""
    parent: Any = config.to_dict()
    parts = key.split(".")
    for depth, part in enumerate(parts):
        here = ".".join(parts[:depth])
        if isinstance(parent, (list, tuple)):
            if not part.isdigit() or int(part) >= len(parent):
                raise InputError(f"{path}: no option '{key}': '{here}' is a list of {len(parent)}, use its index")
            parent = parent[int(part)]
        elif not isinstance(parent, dict):
            raise InputError(f"{path}: no option '{key}': '{here}' is the value {parent!r} and has no parts")
        elif part in parent:
            parent = parent[part]
        elif depth == len(parts) - 1 and ("type" in parent if depth else part in _settings()):
            return
        else:
            known = sorted(name for name in {*parent, *(() if depth else _settings())} if not name.startswith("_"))
            near = difflib.get_close_matches(part, known, n=3, cutoff=0.5)
            names = " or ".join(f"'{'.'.join((*parts[:depth], name))}'" for name in near)
            hint = f"did you mean {names}?" if near else f"known here: {', '.join(known) or 'nothing'}"
            raise InputError(f"{path}: no option '{key}' in this config; {hint}")
