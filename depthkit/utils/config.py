"""Read mmengine's config files, with options that apply before the file runs and checked names.

mmengine executes a config first and merges ``--cfg-options`` into the result. So with ::

    data_root = "data/nyu"
    train_dataloader = dict(dataset=dict(data_root=data_root))

the option ``data_root=/mnt/nyu`` changes a variable that nobody reads any more, and the misspelt option
``model.backbone.keep_rat=0.7`` adds a key that nobody reads either. `load_config` repairs both. A config stays a
plain mmengine one: ``mmengine.Config.fromfile`` reads the same values from it.
"""

import ast
import importlib.util
import os
import re
import traceback
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthkit.errors import InputError
from depthkit.utils.config_files import find_config
from depthkit.utils.config_names import check_names, check_option
from depthkit.utils.input_files import read_text
from depthkit.utils.stop_signals import Stopped

if TYPE_CHECKING:
    from mmengine.config import Config

_DEEPEST = 50  # dicts and lists in each other
_MAKERS = {maker.__name__: maker for maker in (bool, dict, float, int, list, str, tuple)}  # of plain values
_TUPLE = "_tuple_"  # marks a tuple in `config_to_plain`, because JSON has lists only


def load_config(config: str | Path, options: dict[str, Any] | None = None) -> "Config":
    """Read a config with `options` applied.

    A name that the file or one of its `_base_` sets at the top level (``batch_size = 8``) and that `options` gives
    another value is replaced *before* that line runs, so whatever is computed from it follows. A plain value that
    the file sets reaches the same name in its `_base_` in the same way. Dicts and dotted options
    (``optim_wrapper.optimizer.lr``, ``train_pipeline.0.size``) are merged into the result; the path must exist,
    only its last part may be new where the parent has a ``type`` (it is then an argument of that class).

    Args:
        config: a path, or the name of a packaged config (``nyu_tosa_small``), with or without ``.py``.
        options: names, dotted for a place inside, and their values.

    Returns:
        The config, plain data throughout, with the file's path as `filename` and its text as `text`.

    Raises:
        InputError: there is no such file; it is not valid Python or raises an error when it runs; it holds other
            things than plain data; a name in it or an option is misspelt.
    """
    path = find_config(config)  # before the seconds that importing mmengine takes
    from mmengine.config import Config

    options = {key: str(value) if isinstance(value, Path) else value for key, value in (options or {}).items()}
    values = {key: value for key, value in options.items() if not isinstance(value, dict)}
    loaded = _run(Path(os.path.realpath(path)), values, ())
    try:
        result = Config(loaded, cfg_text=path.read_text(encoding="utf-8"), filename=path)
        for key in options:
            check_option(result, key, path)
        result.merge_from_dict(options)
    except AttributeError as error:  # mmengine merges dicts only into the items of a list
        raise InputError(f"{path}: an option cannot replace one item of a list; give the complete list") from error
    except (KeyError, TypeError) as error:  # a reserved name, or a dict merged into what is not a dict
        raise InputError(f"{path}: {error.args[0]}") from error
    _import_modules(path, result.get("custom_imports"))
    return result


def config_to_plain(config: "Config") -> dict[str, Any]:
    """Return the values of `config` as JSON can hold them: a tuple becomes ``{"_tuple_": [...]}``.

    Objects, which a config that was made in Python may hold, become text.
    """

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            items = [plain(item) for item in value]
            return items if isinstance(value, list) else {_TUPLE: items}
        return value if value is None or type(value) in (bool, int, float, str) else str(value)

    return plain(config.to_dict())


def config_from_plain(values: dict[str, Any], name: str) -> "Config":
    """Make a config of what `config_to_plain` returned; `name` becomes its `filename` (no file is read).

    Raises:
        InputError: the values are not those of a config.
    """
    from mmengine.config import Config

    def restored(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {_TUPLE}:
                return tuple(restored(item) for item in value[_TUPLE])
            return {key: restored(item) for key, item in value.items()}
        return [restored(item) for item in value] if isinstance(value, list) else value

    try:
        return Config(restored(values), cfg_text=f"# {name}, from a checkpoint\n", filename=name)
    except (KeyError, TypeError) as error:  # a reserved name, or a mark of a tuple without a list
        raise InputError(f"{name}: the config is damaged ({error.args[0]})") from error


def _run(path: Path, values: dict[str, Any], children: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Execute a config over its bases, with `values` in place of what its lines `name = ...` set.

    `children` are the files that have this one as `_base_`, the user's first.
    """
    from mmengine.config import Config, ConfigDict

    if path in children:
        raise InputError(f"{path}: is its own _base_; remove that line")
    tree = _parse(path)
    assigned = {name: statement.value for statement in tree.body if (name := _target(statement))}
    literals = {name: value for name, node in assigned.items() for value in _constant(node)}
    bases = ConfigDict()
    for base in _bases(path, assigned):
        package, _, inside = base.rpartition("::")
        if package:  # its values are its own
            found = _run(_installed(path, package) / inside, {}, (*children, path))
            found = Config._dict_to_config_dict(ConfigDict(found), package)  # marks the scope of what it builds
        else:
            found = _run(Path(os.path.realpath(path.parent / base)), {**literals, **values}, (*children, path))
        for name in bases.keys() & found.keys():
            raise InputError(f"{path}: two of its bases set '{name}'; one must leave it to the other")
        bases.update(found)
    if not children:
        check_names(path, tree, assigned.keys() - {"_base_"}, bases)
    namespace: dict[str, Any] = {"_base_": bases}
    for statement in tree.body:
        name = _target(statement)
        if name != "_base_" and name in values:
            namespace[name] = values[name]
        elif name != "_base_":
            with _about(path, statement, values, user=(*children, path)[0]):
                exec(compile(ast.Module([statement], []), str(path), "exec"), namespace)
    imported = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType)
    if namespace.get("default_scope") is not None:
        _check_scope(path, "default_scope", namespace["default_scope"])
    own = {
        name: _copy(path, name, value)
        for name, value in namespace.items()
        if name != "_base_" and not name.startswith("__") and not isinstance(value, imported)
    }
    merged = Config(bases)
    with _about(path):
        try:
            merged.merge_from_dict(own, allow_list_keys=False)
        except TypeError as error:  # a dict where the base has none, or the other way round
            raise ValueError(re.sub(r"<class '(\w+)'>", r"\1", str(error))) from error
    return merged.to_dict()


def _parse(path: Path) -> ast.Module:
    """Return the tree of the config at `path`, with mmengine's ``{{ }}`` filled in."""
    if not os.path.lexists(path):
        raise InputError(f"{path}: there is no such config; see the folder configs/")
    text = read_text(path, "a config, which is a Python file")
    fills = {"fileDirname": path.parent.as_posix(), "fileBasename": path.name}
    fills |= {"fileBasenameNoExtension": path.stem, "fileExtname": path.suffix}
    text = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: fills.get(match[1], match[0]), text)
    text = re.sub(r"\{\{\s*(_base_\.[\w.]+)\s*\}\}", r"\1", text)
    variable = r"\{\{['\"]?\s*\$(\w+)\s*:\s*(\S*?)\s*['\"]?\}\}"  # {{$NAME:default}}
    text = re.sub(variable, lambda match: os.environ.get(match[1], match[2]), text)
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error) or "it is nested too deeply"
        raise InputError(f"{path}{line}: the config is not valid Python ({reason})") from error


def _target(statement: ast.stmt) -> str | None:
    """Return `name` of a statement `name = value`, None of another."""
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target] if statement.value else []
    else:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else None


def _constant(node: ast.expr) -> list[Any]:
    """Return the value of `node` in a list; an empty one for a dict (they merge) or what needs names.

    Configs write their dicts as ``dict(type="A")``, which is as plain as ``{"type": "A"}``.
    """
    try:
        if not all(part.id in _MAKERS for part in ast.walk(node) if isinstance(part, ast.Name)):
            return []
        value = eval(compile(ast.Expression(node), "config", "eval"), {"__builtins__": _MAKERS})
        _copy(Path(), "value", value)
    except Exception:  # whatever it is, it is told when the line is run
        return []
    return [] if isinstance(value, dict) else [value]


def _bases(path: Path, assigned: dict[str, ast.expr]) -> list[str]:
    if "_base_" not in assigned:
        return []
    try:
        value = ast.literal_eval(assigned["_base_"])
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        value = None
    bases = [value] if isinstance(value, str) else value
    if not isinstance(bases, (list, tuple)) or not all(isinstance(base, str) and "\0" not in base for base in bases):
        raise InputError(f"{path}: _base_ must be a path or a list of paths, written as plain text")
    return list(bases)


def _installed(path: Path, package: str) -> Path:
    """Return the folder of the configs that the installed `package` (mmseg) carries."""
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"{path}: _base_ names the package '{package}', which is not installed")
    return Path(spec.submodule_search_locations[0]) / ".mim" / "configs"


@contextmanager
def _about(path: Path, statement: ast.stmt | None = None, values: Any = (), user: Path | None = None) -> Iterator[None]:
    """Tell whatever goes wrong inside as an error of the config: it is the user's program.

    Where the line that fails reads names that `values` sets from outside, these are to blame.
    """
    try:
        yield
    except ValueError as error:  # a config raises it to refuse a setting, which the user's file or an option gave
        raise InputError(f"{user or path}: {error}") from error
    except (KeyboardInterrupt, Stopped):
        raise
    except BaseException as error:  # also SystemExit: a config that ends the process would do so without a word
        reason = f"{type(error).__name__}: {error}"
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        nodes = ast.walk(statement) if statement and lines else ()
        names = {node.id for node in nodes if isinstance(node, ast.Name) and node.lineno == lines[0]} & set(values)
        if names:
            given = ", ".join(f"{name}={values[name]!r}" for name in sorted(names))
            raise InputError(f"{user}: {given}: cannot be used in {path.name}, line {lines[0]} ({reason})") from error
        line = f", line {lines[0]}" if lines else ""
        raise InputError(f"{path}{line}: the config cannot be run ({reason})") from error


def _copy(path: Path, place: str, value: Any, depth: int = 0) -> Any:
    """Copy plain data, and raise InputError for anything else."""
    if depth > _DEEPEST:
        name = place.partition(".")[0]
        raise InputError(f"{path}: {name} is nested more than {_DEEPEST} times, or contains itself; make it flatter")
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        if "_scope_" in value:
            _check_scope(path, f"{place}._scope_", value["_scope_"])
        return {key: _copy(path, f"{place}.{key}", item, depth + 1) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_copy(path, f"{place}.{index}", item, depth + 1) for index, item in enumerate(value))
    if isinstance(value, str) and _is_no_text(value):
        raise InputError(f"{path}: {place} is {value!r}, which no file can hold; expected Unicode text")
    if value is None or type(value) in (bool, int, float, str):
        return value
    what = repr(value) if isinstance(value, dict) else f"of type {type(value).__name__}"
    raise InputError(
        f"{path}: {place} is {what}, which is not plain data; a config holds numbers, text, lists and dicts with "
        "text as keys, and names classes by their registered name"
    )


def _is_no_text(value: str) -> bool:
    """Return whether `value` holds half of a surrogate pair, which UTF-8 cannot encode."""
    return any("\ud800" <= character <= "\udfff" for character in value)


def _check_scope(path: Path, place: str, scope: Any) -> None:
    """Check that a scope, whose registries mmengine searches, is that of an installed package."""
    if not (isinstance(scope, str) and scope.isidentifier() and importlib.util.find_spec(scope)):
        raise InputError(f"{path}: {place} is {scope!r}; expected the name of a package that is installed")


def _import_modules(path: Path, imports: dict | None) -> None:
    """Import the modules that the setting `custom_imports` names, which register classes of the user's."""
    from mmengine.utils import import_modules_from_strings

    if imports:
        try:
            import_modules_from_strings(**imports)
        except (ImportError, TypeError) as error:
            raise InputError(f"{path}: custom_imports: {error}; is its folder in PYTHONPATH?") from error
