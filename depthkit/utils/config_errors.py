"""Tell mistakes in a config, which surface as exceptions of constructors, in the user's terms."""

import difflib
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from depthkit.errors import InputError
from depthkit.utils.validation import find_wrong_argument

# What Python and mmengine's registries say about arguments that a class does not have.
_WRONG_NAME = re.compile(
    r"unexpected keyword argument|required positional argument|required keyword-only argument|multiple values"
    r"|takes no arguments"
)
_UNKNOWN_TYPE = re.compile(r"^(?P<name>\S+) is not in the (?P<registry>[\w:]+( \w+)*) registry", re.DOTALL)
_TOO_LARGE = re.compile(
    r"can't allocate memory|out of memory|[Ss]torage size calculation overflowed|Overflow when unpack"
)

# Their classes say little, or nothing, of what they do not take.
_PACKAGES = ("mmcv", "mmengine", "mmseg", "timm", "torch", "torchvision")


@contextmanager
def config_errors(filename: str | None, part: str) -> Iterator[None]:
    """Turn mistakes in a part of a config, which is built inside the block, into InputErrors.

    Those are an InputError, to which the place is added; an argument that a class does not have or lacks; a value that
    a constructor refuses (ValueError, AssertionError with a text), or that is of another type than its annotation
    says; an unknown or missing ``type``. Other exceptions pass: they are bugs.

    Raises:
        InputError: one sentence that names the config, the part and the value.
    """
    place = f"{filename or 'config'}: {part}"
    try:
        yield
    except InputError as error:
        if str(error).startswith(f"{filename}: "):
            raise
        raise InputError(f"{place}: {str(error).removeprefix(f'{part}: ')}") from error
    except Exception as error:
        mistake = _mistake(error)
        if mistake is None:
            raise
        raise InputError(f"{place}: {mistake}") from error


@contextmanager
def carried_config_errors(path: str | Path) -> Iterator[None]:
    """Turn what building from the config in a checkpoint raises into InputErrors: anyone wrote it."""
    try:
        yield
    except (TypeError, AttributeError, KeyError) as error:
        raise InputError(f"{path}: the config that it carries cannot be used ({error})") from error


def _mistake(error: Exception) -> str | None:
    """Return what is wrong with the config, None when the error does not say so."""
    text = " ".join(str(error.args[0]).split()) if error.args else ""
    build = _innermost_build(error)
    if isinstance(error, TypeError) and _WRONG_NAME.search(text):
        return f"{text.replace('.__init__()', '')}; check the spelling"
    if isinstance(error, KeyError) and (unknown := _UNKNOWN_TYPE.search(text)):
        near = difflib.get_close_matches(unknown["name"], _registered_names(build.get("registry")), n=1)
        hint = f"did you mean {near[0]}?" if near else "check the spelling"
        return f"there is no {unknown['registry'].rpartition('::')[2]} of type '{unknown['name']}'; {hint}"
    if not isinstance(build.get("cfg", {}), dict):
        return f"{build['cfg']!r} stands where a dict with a 'type' is expected"
    if isinstance(error, KeyError) and 'must contain the key "type"' in text:
        return f"a part lacks its 'type': {build.get('cfg')!r}"
    if isinstance(error, (TypeError, RuntimeError)) and text.startswith(("type must be a str", "Failed to get")):
        return f"type={build.get('obj_type')!r}: expected the registered name of a class"
    if isinstance(error, (ValueError, AssertionError)) and text:
        return text
    if "obj_cls" not in build or "args" not in build:
        return None
    if isinstance(error, MemoryError) or _TOO_LARGE.search(text):
        return f"{build['obj_cls'].__name__}: is too large for the memory; give smaller numbers"
    found = find_wrong_argument(build["obj_cls"], build["args"])
    if found is None and build["obj_cls"].__module__.partition(".")[0] in _PACKAGES:
        plain = (bool, int, float, str, list, tuple, dict, type(None))  # what a config gave, not what the Runner adds
        given = ", ".join(f"{name}={value!r}" for name, value in build["args"].items() if isinstance(value, plain))
        given = given if len(given) <= 200 else f"{given[:200]} ..."
        return f"{build['obj_cls'].__name__}: cannot be built with {given} ({text or type(error).__name__})"
    return found


def _innermost_build(error: Exception) -> dict[str, Any]:
    """Return the variables of the last call of mmengine's `build_from_cfg` on the way to `error`, or none."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    builds = [frame.f_locals for frame in frames if frame.f_code.co_name == "build_from_cfg"]
    return builds[-1] if builds else {}


def _registered_names(registry: Any) -> list[str]:
    names: list[str] = []
    while registry is not None:
        names += registry.module_dict
        registry = registry.parent
    return names
