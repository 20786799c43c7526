"""Check the arguments of torch's and mmengine's classes, which find mistakes late or not at all.

Each function has the name and the arguments of a part of a config, with their types and ranges; the names are those
of the error messages.
"""

from typing import Annotated, Any

from mmengine.config import Config
from pydantic import Field, Strict

from depthkit.errors import InputError
from depthkit.utils.config_errors import config_errors
from depthkit.utils.validation import Count, validate_arguments

# Strict, because what is checked here is passed on as it is: the text "0.1" would fail later.
_Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
_Positive = Annotated[_Number, Field(gt=0)]
_NotNegative = Annotated[_Number, Field(ge=0)]
_Seed = Annotated[int, Strict(), Field(ge=0, lt=2**32)]


@validate_arguments
def optimizer(lr: _Positive | None = None, weight_decay: _NotNegative | None = None, **others: Any) -> None:
    """Check a torch optimizer."""


@validate_arguments
def clip_grad(max_norm: _Positive | None = None, clip_value: _Positive | None = None, **others: Any) -> None:
    """Check the arguments of torch's gradient clipping."""


@validate_arguments
def optim_wrapper(
    optimizer: dict | None = None, clip_grad: dict | None = None, accumulative_counts: Count = 1, **others: Any
) -> None:
    """Check an optimizer wrapper."""


@validate_arguments
def paramwise_cfg(
    backbone_mult: _Positive = 1.0, layer_decay: Annotated[_Number, Field(gt=0, le=1)] = 1.0
) -> tuple[float, float]:
    """Return the factors of `LayerDecayOptimWrapperConstructor`."""
    return backbone_mult, layer_decay


@validate_arguments
def OneCycleLR(
    pct_start: Annotated[_Number, Field(ge=0, le=1)] = 0.3,
    div_factor: _Positive = 25.0,
    final_div_factor: _Positive = 1e4,
    **others: Any,
) -> None:
    """Check the one-cycle schedule."""


@validate_arguments
def EMAHook(momentum: Annotated[_Number, Field(gt=0, lt=1)] = 0.0002, **others: Any) -> None:
    """Check the moving average of the weights."""


@validate_arguments
def randomness(seed: _Seed | None = None, **others: Any) -> None:
    """Check the seed."""


def check_arguments(config: Config) -> None:
    """Check what `config` gives to torch's and mmengine's classes.

    Raises:
        InputError: one sentence on the first mistake.
    """
    with config_errors(config.filename, "randomness"):
        randomness(**config.get("randomness", {}))
    wrapper = config.get("optim_wrapper")
    with config_errors(config.filename, "optim_wrapper"):
        if wrapper is not None:
            if not isinstance(wrapper, dict):
                raise InputError(f"expected a dict, got {wrapper!r}")
            optim_wrapper(**wrapper)
            optimizer(**(wrapper.get("optimizer") or {}))
            clip_grad(**(wrapper.get("clip_grad") or {}))
    for name, known in (("param_scheduler", OneCycleLR), ("custom_hooks", EMAHook)):
        parts = config.get(name) or []
        with config_errors(config.filename, name):
            for part in parts if isinstance(parts, list) else [parts]:
                if isinstance(part, dict) and part.get("type") == known.__name__:
                    known(**part)
