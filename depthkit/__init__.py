"""depthkit: depth in metres from one image, with token-selective transformers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from depthkit.apis.predictor import DepthPredictor
    from depthkit.apis.result import DepthResult
    from depthkit.zoo.loading import create_model

__version__ = "0.2.0"
__all__ = ["DepthPredictor", "DepthResult", "__version__", "create_model"]


def __getattr__(name: str) -> object:
    """Import a name of the public API at its first use (PEP 562), because torch and mmseg cost seconds."""
    if name == "DepthPredictor":
        from depthkit.apis.predictor import DepthPredictor

        return DepthPredictor
    if name == "DepthResult":
        from depthkit.apis.result import DepthResult

        return DepthResult
    if name == "create_model":
        from depthkit.zoo.loading import create_model

        return create_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
