"""depthkit: depth in metres from one picture, with token-selective transformers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from depthkit.apis.predictor import DepthPredictor, DepthResult

__version__ = "0.1.0"
__all__ = ["DepthPredictor", "DepthResult", "__version__"]


def __getattr__(name: str) -> object:
    """Import the predictor only when it is asked for (PEP 562): torch and mmseg cost seconds."""
    if name in ("DepthPredictor", "DepthResult"):
        from depthkit.apis import predictor

        return getattr(predictor, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
