"""Import timm and torchvision without torch's compiler, which a prediction never uses.

They import `torch._dynamo` for two names, which takes as long as torch itself and 150 MB (docs/speed.md).
"""

import builtins
import functools
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_COMPILER = "torch._dynamo"


def import_libraries() -> None:
    """Import timm and torchvision, leaving torch's compiler to its first use, unless it is imported."""
    with _compiler_on_demand():
        import timm  # noqa: F401
        import torchvision  # noqa: F401


class _Deferred:
    """Stand in for a module as what one import statement gets: own attributes, or else the module's."""

    def __init__(self, module: str, **attributes: Any):
        self._module = module
        self.__dict__.update(attributes)

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._module), name)


def _is_compile_supported(device_type: Any) -> Any:
    return importlib.import_module(f"{_COMPILER}.utils").is_compile_supported(device_type)


def _disable(fn: Callable[..., Any] | None = None, recursive: bool = True, **options: Any) -> Callable[..., Any]:
    """Decorate as `torch.compiler.disable` does, at the first call."""
    if fn is None:
        return functools.partial(_disable, recursive=recursive, **options)

    @functools.wraps(fn)
    def call(*args: Any, **arguments: Any) -> Any:
        return importlib.import_module(_COMPILER).disable(fn, recursive, **options)(*args, **arguments)

    return call


# (the module with the import statement, the module that it names) -> what the statement gets instead.
_STAND_INS = {
    ("torchvision.ops.roi_align", f"{_COMPILER}.utils"): _Deferred(
        f"{_COMPILER}.utils", is_compile_supported=_is_compile_supported
    ),
    # `import torch._dynamo` in torch.compiler.disable gets torch.
    ("torch.compiler", _COMPILER): _Deferred("torch", _dynamo=_Deferred(_COMPILER, disable=_disable)),
}


@contextmanager
def _compiler_on_demand() -> Iterator[None]:
    """Answer two import statements of this thread by stand-ins, unless the compiler is imported.

    The stand-ins are never in `sys.modules`, so all other imports, and those of other threads, get the real modules.
    """
    import torch  # noqa: F401  (it must not meet the stand-ins itself)

    thread: int | None = threading.get_ident()
    before = builtins.__import__

    def import_module(name: str, module_globals: Any = None, *args: Any, **arguments: Any) -> Any:
        if threading.get_ident() == thread and _COMPILER not in sys.modules:
            stand_in = _STAND_INS.get(((module_globals or {}).get("__name__"), name))
            if stand_in is not None:
                return stand_in
        return before(name, module_globals, *args, **arguments)

    builtins.__import__ = import_module
    try:
        yield
    finally:
        thread = None
        # Another's replacement that came meanwhile stays; what it calls is without effect from here on.
        if builtins.__import__ is import_module:
            builtins.__import__ = before
