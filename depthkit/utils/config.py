"""Configs: mmengine's, with options that reach everything computed from them and typos that are errors.

mmengine executes a config first and merges `--cfg-options` into the result. So with

    data_root = "data/nyu"
    train_dataloader = dict(dataset=dict(data_root=data_root))

the option `data_root=/mnt/nyu` changes a variable that nobody reads any more, and the misspelt option
`model.backbone.keep_rat=0.7` adds a key that surprises much later or never. `load_config` repairs both.
A config stays a plain mmengine one: `Config.fromfile` reads it as ever.
"""

import ast
import difflib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthkit.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config

# What the Runner and our tools read from a config, beside the optional settings below.
_KEYS = {
    "custom_imports",
    "default_hooks",
    "default_scope",
    "env_cfg",
    "model",
    "optim_wrapper",
    "runner_type",
    "test_cfg",
    "test_dataloader",
    "test_evaluator",
    "test_pipeline",
    "train_cfg",
    "train_dataloader",
    "val_cfg",
    "val_dataloader",
    "val_evaluator",
}
# Settings of the Runner that a config need not have and an option may still give.
_OPTIONAL_KEYS = {
    "activation_checkpointing",
    "auto_scale_lr",
    "compile",
    "custom_hooks",
    "experiment_name",
    "find_unused_parameters",
    "load_from",
    "log_level",
    "log_processor",
    "model_wrapper_cfg",
    "param_scheduler",
    "randomness",
    "resume",
    "sync_bn",
    "visualizer",
    "work_dir",
}


def load_config(path: str | Path, options: dict[str, Any] | None = None) -> "Config":
    """Read the config at `path` with `options` applied.

    A top-level value that is set plainly (`batch_size = 8`) and named in `options` is replaced *before* the
    file runs, in the file and in its `_base_`, so whatever is computed from it follows. A plain value that
    the file sets reaches the same name in its `_base_` in the same way. Every other option
    (`optim_wrapper.lr`, `train_dataloader.batch_size`, `train_pipeline.0.size`) is merged afterwards; its
    path must exist, only the last part may be new where the parent is built from a `type` (an argument of
    that class).

    Raises:
        InputError: no such file, not a .py file, a file that Python cannot run, an option that does not
        exist.
    """
    from mmengine.config import Config

    path = Path(path).expanduser()
    options = {key: str(value) if isinstance(value, Path) else value for key, value in (options or {}).items()}
    with tempfile.TemporaryDirectory(prefix="depthkit_config_") as folder:
        entry = _Rewriter(Path(folder)).rewrite(path.resolve(), options)
        try:
            loaded = Config.fromfile(entry)
        except Exception as error:  # the file is the user's program: whatever it raises is about the file
            raise InputError(f"{path}: the config cannot be run ({type(error).__name__}: {error})") from error
    # The text and the name are those of the user's file, not of the temporary copy.
    config = Config(loaded.to_dict(), cfg_text=path.read_text(encoding="utf-8"), filename=str(path))
    for key in options:
        _check_option(config, key, path)
    config.merge_from_dict(options)
    return config


def config_to_plain(config: "Config") -> dict[str, Any]:
    """Return `config` as data that JSON can hold: tuples become lists, paths and classes their names."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): plain(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(one) for one in value]
        if isinstance(value, type):
            return f"{value.__module__}.{value.__qualname__}"
        return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)

    return plain(config.to_dict())


def config_from_plain(data: dict[str, Any], name: str) -> "Config":
    """Return the config of `config_to_plain`, under the file name `name`."""
    from mmengine.config import Config

    return Config(data, cfg_text=f"# {name}\n", filename=name)  # without a text it would look for the file


class _Rewriter:
    """Writes copies of a config and its bases into `folder`, with some of their plain values replaced."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written = 0
        self.names: set[str] = set()  # that the bases so far set
        self.open_files: list[Path] = []  # the chain of bases being rewritten, to notice a circle

    def rewrite(self, path: Path, values: dict[str, Any]) -> Path:
        """Copy the config at `path` and, before it, its bases; return the copy's path."""
        if path in self.open_files:
            raise InputError(f"{path}: is its own _base_; remove that line")
        self.open_files.append(path)
        text, tree = _parse(path)
        text = _fill_file_variables(path, text)
        plain = dict(_plain_values(tree))
        edits = []
        own = {name for name, _ in _assignments(tree)}
        for name, node in _assignments(tree):
            if name == "_base_":
                bases = self._rewrite_bases(path, node.value, {**plain, **values})
                edits.append((node.value, repr(bases)))
            elif name in values and _is_plain(values[name]):
                edits.append((node.value, repr(values[name])))
        self.open_files.pop()
        if not self.open_files:  # a base may set names for its children to read
            self._check_names(path, tree, own)
        self.names |= own
        self.written += 1
        copy = self.folder / f"{self.written}_{path.name}"
        copy.write_text(_replace(text, edits), encoding="utf-8")
        return copy

    def _check_names(self, path: Path, tree: ast.Module, own: set[str]) -> None:
        """Raise InputError for a misspelt setting; another name that nothing reads is the user's own variable."""
        read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        known = _KEYS | _OPTIONAL_KEYS | self.names
        for name in sorted(own - read - known - {"_base_"}):
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
            if near:
                raise InputError(f"{path}: '{name}' is set, but nothing reads it; did you mean {near[0]}?")

    def _rewrite_bases(self, path: Path, node: ast.expr, values: dict[str, Any]) -> list[str]:
        try:
            bases = ast.literal_eval(node)
        except ValueError:
            raise InputError(f"{path}: _base_ must be a path or a list of paths, written as plain text") from None
        bases = [bases] if isinstance(bases, str) else list(bases)
        # "mmseg::..." lies in an installed package and keeps its values.
        return [base if "::" in base else str(self.rewrite((path.parent / base).resolve(), values)) for base in bases]


def _parse(path: Path) -> tuple[str, ast.Module]:
    if path.suffix != ".py":
        raise InputError(f"{path}: a config is a Python file with the suffix .py")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such config; see the folder configs/") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the config cannot be read ({error})") from error
    try:
        return text, ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise InputError(f"{path}{line}: the config is not valid Python ({reason})") from error


def _assignments(tree: ast.Module) -> list[tuple[str, ast.Assign | ast.AnnAssign]]:
    """The statements `name = value` at the top level, in order."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found.append((node.targets[0].id, node))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found.append((node.target.id, node))
    return found


def _plain_values(tree: ast.Module) -> list[tuple[str, Any]]:
    """Names that the file sets to a literal at the top level, `_base_` left out."""
    found = []
    for name, node in _assignments(tree):
        if name == "_base_":
            continue
        try:
            value = ast.literal_eval(node.value)
        except (ValueError, TypeError):
            continue
        if _is_plain(value):
            found.append((name, value))
    return found


def _is_plain(value: Any) -> bool:
    """Whether `repr(value)` is a literal of a number, a text or a sequence of such (not a dict: those
    merge)."""
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))


def _fill_file_variables(path: Path, text: str) -> str:
    """Fill in mmengine's `{{ fileDirname }}` and its like, which would name the temporary copy later."""
    for name, value in (
        ("fileDirname", path.parent),
        ("fileBasename", path.name),
        ("fileBasenameNoExtension", path.stem),
        ("fileExtname", path.suffix),
    ):
        for spelling in ("{{ %s }}" % name, "{{%s}}" % name):  # noqa: UP031 (braces)
            text = text.replace(spelling, str(value))
    return text


def _replace(text: str, edits: list[tuple[ast.expr, str]]) -> str:
    """`text` with the source of each expression replaced; the rest, comments included, stays."""
    lines = text.encode().splitlines(keepends=True)  # ast counts columns in bytes
    for node, replacement in sorted(edits, key=lambda edit: -edit[0].lineno):
        first, last = node.lineno - 1, node.end_lineno - 1
        kept_after = lines[last][node.end_col_offset :]
        lines[first : last + 1] = [lines[first][: node.col_offset] + replacement.encode() + kept_after]
    return b"".join(lines).decode()


def _check_option(config: "Config", key: str, path: Path) -> None:
    """Raise InputError, with the nearest names, when `key` leads nowhere in `config`."""
    parent: Any = config._cfg_dict
    parts = key.split(".")
    for depth, part in enumerate(parts):
        here = ".".join(parts[:depth])
        if isinstance(parent, (list, tuple)):
            if not part.isdigit() or int(part) >= len(parent):
                raise InputError(f"{path}: no option '{key}': '{here}' is a list of {len(parent)}, use its index")
            parent = parent[int(part)]
        elif isinstance(parent, dict):
            if part not in parent:
                is_last = depth == len(parts) - 1
                if is_last and ("type" in parent or (depth == 0 and part in _OPTIONAL_KEYS)):
                    return
                raise InputError(_no_such_option(parent, parts, depth, path))
            parent = parent[part]
        else:
            raise InputError(f"{path}: no option '{key}': '{here}' is the value {parent!r} and has no parts")


def _no_such_option(parent: dict, parts: list[str], depth: int, path: Path) -> str:
    prefix = "".join(f"{part}." for part in parts[:depth])
    known = [name for name in (*parent, *(_OPTIONAL_KEYS if depth == 0 else ())) if not name.startswith("_")]
    near = difflib.get_close_matches(parts[depth], known, n=3, cutoff=0.5)
    if near:
        hint = "did you mean " + " or ".join(f"'{prefix}{name}'" for name in near) + "?"
    else:
        hint = f"known here: {', '.join(sorted(known)) or 'nothing'}"
    return f"{path}: no option '{'.'.join(parts)}' in this config; {hint}"
