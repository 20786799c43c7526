"""The hostile inputs, one module for each kind."""

import importlib
import pkgutil


def load_all() -> None:
    """Import all modules here, which register their cases."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
