"""Check what mmengine's Runner and torch's classes read, which find mistakes late or not at all.

The annotations of the classes that a config names are checked in `mm_parts`; here are ranges, and what has none.
"""

from typing import Annotated, Literal

from mmengine.config import Config
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationError
from pydantic_core import PydanticCustomError

from depthkit.engine.mm_parts import check_numbers, check_parts
from depthkit.errors import InputError
from depthkit.utils.validation import LARGEST, describe, validate_arguments

# Strict, because what is checked here is passed on as it is: the text "0.1" would fail later.
_Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
_Positive = Annotated[_Number, Field(gt=0)]
_NotNegative = Annotated[_Number, Field(ge=0)]
_Seed = Annotated[int, Strict(), Field(ge=0, lt=2**32)]
_Count = Annotated[int, Strict(), Field(ge=1, le=LARGEST)]
_Index = Annotated[int, Strict(), Field(ge=0, le=LARGEST)]
_Flag = Annotated[bool, Strict()]
_Text = Annotated[str, Strict()]


def _check_limit(value: dict) -> dict:
    if ("clip_value" if value.get("type") == "value" else "max_norm") not in value:
        raise PydanticCustomError("limit", "max_norm, or type='value' and clip_value")
    return value


def _listed(value: object) -> list:
    return list(value) if isinstance(value, (list, tuple)) else [value]


_Parts = Annotated[list[dict], BeforeValidator(lambda value: [value] if isinstance(value, dict) else value)]
_Names = Annotated[list[_Text], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]
_Options = Annotated[dict, BeforeValidator(lambda value: {} if isinstance(value, bool) else value)]


class _Settings(BaseModel):
    """Settings of which only those named here are checked; a default stands for one that is left out."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())


class _Model(_Settings):
    data_preprocessor: dict = {}


class _Optimizer(_Settings):
    lr: _Positive = 0.1
    weight_decay: _NotNegative | None = None


class _Clipping(_Settings, extra="forbid"):
    type: Literal["norm", "value"] = "norm"
    max_norm: _Positive = 1.0
    norm_type: Annotated[float, Strict(), Field(gt=0)] = 2.0
    error_if_nonfinite: _Flag = False
    clip_value: _Positive = 1.0
    foreach: _Flag | None = None


class _OptimWrapper(_Settings):
    optimizer: _Optimizer
    clip_grad: Annotated[dict, AfterValidator(_check_limit)] | None = None
    accumulative_counts: _Count = 1
    paramwise_cfg: dict | None = None


class _Dataset(_Settings):
    pipeline: list[dict] = []


class _Sampler(_Settings):
    shuffle: _Flag = True
    round_up: _Flag = True
    seed: _Seed | None = None


class _Loader(_Settings):
    dataset: _Dataset
    sampler: _Sampler | None = None
    collate_fn: dict | None = None
    batch_size: _Count = 1
    num_workers: _Index = 0
    drop_last: _Flag = False
    pin_memory: _Flag = False
    pin_memory_device: _Text = ""
    timeout: _NotNegative = 0.0
    prefetch_factor: _Count | None = None
    multiprocessing_context: Literal["fork", "spawn", "forkserver"] | None = None
    persistent_workers: _Flag = False
    in_order: _Flag = True
    worker_init_fn: dict | None = None


class _Processes(_Settings):
    mp_start_method: Literal["fork", "spawn", "forkserver"] = "fork"
    opencv_num_threads: _Index = 0


class _Environment(_Settings):
    cudnn_benchmark: _Flag = False
    mp_cfg: _Processes = {}
    dist_cfg: dict = {}


class _Randomness(_Settings):
    seed: _Seed | None = None
    deterministic: _Flag = False
    diff_rank_seed: _Flag = False


class _ScaledRate(_Settings):
    base_batch_size: _Count
    enable: _Flag = False


class _LogProcessor(_Settings):
    window_size: _Count = 10
    by_epoch: _Flag = True
    num_digits: _Index = 4


class _Top(_Settings):
    """The top level of a config, as mmengine's Runner reads it."""

    model: _Model
    train_dataloader: _Loader | None = None
    val_dataloader: _Loader | None = None
    test_dataloader: _Loader | None = None
    train_cfg: dict | None = None
    val_cfg: dict | None = None
    test_cfg: dict | None = None
    val_evaluator: _Parts | None = None
    test_evaluator: _Parts | None = None
    optim_wrapper: _OptimWrapper | None = None
    param_scheduler: _Parts | None = None
    auto_scale_lr: _ScaledRate | None = None
    default_hooks: dict[str, dict | None] | None = None
    custom_hooks: list[dict] | None = None
    visualizer: dict | None = None
    log_processor: _LogProcessor | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    env_cfg: _Environment = {}
    randomness: _Randomness = {}
    model_wrapper_cfg: dict | None = None
    activation_checkpointing: _Names | None = None
    find_unused_parameters: _Flag = False
    compile: _Options | None = None
    sync_bn: Literal["torch", "mmcv"] | None = None
    resume: _Flag = False
    load_from: _Text | None = None
    default_scope: _Text | None = None
    experiment_name: _Text | None = None


class _Scheduler(_Settings):
    begin: _Index = 0
    end: _Count = 1
    factor: _NotNegative = 1.0
    gamma: _NotNegative = 1.0
    power: _NotNegative = 1.0
    step_size: _Count = 1
    T_max: _Count | None = None
    eta_min: _NotNegative | None = None
    eta_min_ratio: Annotated[_Number, Field(ge=0, le=1)] | None = None


class _LinearLR(_Scheduler):
    start_factor: Annotated[_Number, Field(gt=0, le=1)] = 1.0
    end_factor: Annotated[_Number, Field(ge=0, le=1)] = 1.0


class _OneCycleLR(_Scheduler):
    eta_max: Annotated[list[_Positive], BeforeValidator(_listed)] = []
    total_steps: _Count | None = None
    pct_start: Annotated[_Number, Field(ge=0, le=1)] = 0.3
    div_factor: _Positive = 25.0
    final_div_factor: _Positive = 1e4


class _EMAHook(_Settings):
    begin_iter: _Index = 0
    begin_epoch: _Index = 0
    momentum: Annotated[_Number, Field(gt=0, lt=1)] = 0.0002


_SCHEDULERS = {"LinearLR": _LinearLR, "OneCycleLR": _OneCycleLR}
_HOOKS = {"EMAHook": _EMAHook}


@validate_arguments
def paramwise_cfg(
    backbone_mult: _Positive = 1.0, layer_decay: Annotated[_Number, Field(gt=0, le=1)] = 1.0
) -> tuple[float, float]:
    """Return the factors of `LayerDecayOptimWrapperConstructor`."""
    return backbone_mult, layer_decay


def check_settings(config: Config) -> None:
    """Check what `config` gives to mmengine's Runner and to torch's classes.

    Raises:
        InputError: one sentence on the first mistake.
    """
    check_numbers(config)
    _check(config, _Top, config.to_dict())
    for kind, third in (("train", "optim_wrapper"), ("val", "val_evaluator"), ("test", "test_evaluator")):
        names = [f"{kind}_dataloader", f"{kind}_cfg", third]
        lacking = [name for name in names if config.get(name) is None]
        if 0 < len(lacking) < len(names):
            raise InputError(
                f"{config.filename or 'config'}: {lacking[0]} is missing; give {', '.join(names)}, or none of them"
            )
    wrapper = config.get("optim_wrapper") or {}
    _check(config, _Clipping, wrapper.get("clip_grad") or {}, "optim_wrapper.clip_grad: ")
    for name, kinds, others in (("param_scheduler", _SCHEDULERS, _Scheduler), ("custom_hooks", _HOOKS, _Settings)):
        parts = config.get(name) or []
        for part in _listed(parts):
            _check(config, kinds.get(str(part.get("type")), others), part, f"{name}: {part.get('type')}: ")
    check_parts(config)


def _check(config: Config, kind: type[_Settings], values: dict, place: str = "") -> None:
    try:
        kind.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{config.filename or 'config'}: {place}{describe(error)}") from error
