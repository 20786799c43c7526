"""Import timm and mmengine without what they load for names that a prediction never uses.

torchvision and timm each import torch's compiler (`torch._dynamo`) for one name, which takes as long as torch itself
and 150 MB; mmengine imports transformers, where it is installed, for the optimizer Adafactor (docs/speed.md).
"""

import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_COMPILER = "torch._dynamo"
_PARTS = (_COMPILER, f"{_COMPILER}.utils")


def import_libraries() -> None:
    """Import timm and mmengine's models, leaving torch's compiler and transformers to their first use.

    What was imported before stays. `register_adafactor` completes mmengine's registry for a training.
    """
    with _compiler_on_demand():
        import timm  # noqa: F401
        import torchvision  # noqa: F401
    with _hidden("transformers"):
        import mmengine.model  # noqa: F401


def register_adafactor() -> None:
    """Register the Adafactor of transformers, where it is installed, as importing mmengine alone does."""
    from mmengine.optim.optimizer.builder import register_transformers_optimizers
    from mmengine.registry import OPTIMIZERS

    if "Adafactor" not in OPTIMIZERS.module_dict:
        register_transformers_optimizers()


class _Deferred(ModuleType):
    """Stand in for a module of the compiler while others import it.

    The names that they import are functions that import the real module when they are called. Any other name puts
    the real modules in place at once.
    """

    def __getattr__(self, name: str) -> Any:
        if name == "disable":
            return _disable
        if name == "is_compile_supported":
            return _at_call(self.__name__, name)
        if name.startswith("__") and (self.__name__, name) != (_COMPILER, "__path__"):
            raise AttributeError(name)
        _remove_stand_ins()
        return getattr(importlib.import_module(self.__name__), name)


def _at_call(module: str, name: str) -> Callable[..., Any]:
    def call(*args: Any, **arguments: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*args, **arguments)

    return call


def _disable(fn: Callable[..., Any] | None = None, recursive: bool = True, **options: Any) -> Callable[..., Any]:
    """Decorate as `torch.compiler.disable` does, at the first call."""
    if fn is None:
        return functools.partial(_disable, recursive=recursive, **options)

    @functools.wraps(fn)
    def call(*args: Any, **arguments: Any) -> Any:
        return importlib.import_module(_COMPILER).disable(fn, recursive, **options)(*args, **arguments)

    return call


@contextmanager
def _compiler_on_demand() -> Iterator[None]:
    """Let imports inside the block find stand-ins for the compiler, unless it has been imported."""
    if _COMPILER in sys.modules:
        yield
        return
    import torch  # noqa: F401  (it must not meet the stand-ins itself)

    if _COMPILER not in sys.modules:
        sys.modules.update({name: _Deferred(name) for name in _PARTS})
    try:
        yield
    finally:
        _remove_stand_ins()


def _remove_stand_ins() -> None:
    for name in _PARTS:
        if isinstance(sys.modules.get(name), _Deferred):
            del sys.modules[name]


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    """Let imports inside the block find no such package, unless it has been imported."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # Python's way to say so
    try:
        yield
    finally:
        del sys.modules[package]
