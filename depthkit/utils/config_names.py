"""Find misspelt settings of a config and misspelt options for it."""

import ast
import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthkit.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config

# What the Runner and our tools read from a config. An option may add one that the config does not have.
_SETTINGS = {
    "activation_checkpointing",
    "auto_scale_lr",
    "compile",
    "custom_hooks",
    "custom_imports",
    "default_hooks",
    "default_scope",
    "env_cfg",
    "experiment_name",
    "find_unused_parameters",
    "load_from",
    "log_level",
    "log_processor",
    "model",
    "model_wrapper_cfg",
    "optim_wrapper",
    "param_scheduler",
    "randomness",
    "resume",
    "runner_type",
    "sync_bn",
    "test_cfg",
    "test_dataloader",
    "test_evaluator",
    "test_pipeline",
    "train_cfg",
    "train_dataloader",
    "val_cfg",
    "val_dataloader",
    "val_evaluator",
    "visualizer",
    "work_dir",
}


def check_names(path: Path, tree: ast.Module, own: set[str], bases: dict) -> None:
    """Raise InputError for a misspelt setting; another name that nothing reads is the user's own variable."""
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    known = _SETTINGS | bases.keys()
    for name in sorted(own - read - known):
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
        if near:
            raise InputError(f"{path}: '{name}' is set, but nothing reads it; did you mean {near[0]}?")


def check_option(config: "Config", key: str, path: Path) -> None:
    """Raise InputError, with the nearest names, when `key` leads nowhere in `config`."""
    parent: Any = config._cfg_dict
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
        elif depth == len(parts) - 1 and ("type" in parent if depth else part in _SETTINGS):
            return
        else:
            known = sorted(name for name in {*parent, *(() if depth else _SETTINGS)} if not name.startswith("_"))
            near = difflib.get_close_matches(part, known, n=3, cutoff=0.5)
            names = " or ".join(f"'{'.'.join((*parts[:depth], name))}'" for name in near)
            hint = f"did you mean {names}?" if near else f"known here: {', '.join(known) or 'nothing'}"
            raise InputError(f"{path}: no option '{key}' in this config; {hint}")
