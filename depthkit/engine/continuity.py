"""Whether a config continues the training that a checkpoint is of."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.optim import _ParamScheduler

from depthkit.errors import InputError
from depthkit.models.weights import forget_pretrained, read_metadata
from depthkit.utils.config import config_from_plain, config_to_plain

# The state of optimizer and schedulers is the checkpoint's: other settings here would be ignored.
_FIXED = ("optim_wrapper", "param_scheduler", "auto_scale_lr", "randomness")
_FREE = ("model", "train_dataloader", "train_cfg", "custom_hooks")
_WITHOUT_EFFECT = ("num_workers", "persistent_workers", "prefetch_factor", "pin_memory")
_PROGRESS = {"last_step", "_global_step", "_last_value", "base_values", "verbose"}
_ABSENT = "absent"
_MAX_NAMED, _MAX_VALUE = 5, 60


def check_settings_kept(path: str | Path, config: Config) -> list[str]:
    """Check that `config` has the optimizer, the schedule and the seed of the training that saved `path`.

    Returns:
        Names of other settings that differ; they apply from now on. Empty where the file carries no config.

    Raises:
        InputError: one of those differs.
    """
    info = read_metadata(path) if Path(path).is_file() else None
    if info is None:
        return []
    before, now = (_comparable(plain) for plain in (info.config, config_to_plain(config)))
    for part in _FIXED:
        for name, old, new in _differences(before.get(part), now.get(part), part):
            raise InputError(
                f"{path}: was trained with {name}={_short(old)}, the config has {_short(new)}; resume with the same "
                "settings, or start anew from its weights with load_from"
            )
    names = [name for part in _FREE for name, _, _ in _differences(before.get(part), now.get(part), part)]
    names = [name for name in names if not name.endswith(_WITHOUT_EFFECT)]
    return names if len(names) <= _MAX_NAMED else [*names[:_MAX_NAMED], f"{len(names) - _MAX_NAMED} more"]


def schedule_of(schedulers: Sequence[_ParamScheduler] | None) -> list[dict[str, Any]]:
    """Return the plain settings of `schedulers`, without how far they are."""
    states = [scheduler.state_dict() for scheduler in schedulers or []]
    return [
        {key: value for key, value in state.items() if key not in _PROGRESS and isinstance(value, int | float | str)}
        for state in states
    ]


def _comparable(plain: dict) -> dict:
    """Return a plain config as values, without what a resume does not read."""
    values = config_from_plain(plain, "config").to_dict()
    forget_pretrained(values.get("model") or {})
    schedulers = values.get("param_scheduler")
    return {**values, "param_scheduler": [schedulers] if isinstance(schedulers, dict) else schedulers}


def _differences(old: Any, new: Any, name: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the dotted name and both values of each setting that differs; a tuple equals a list."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from _differences(old.get(key, _ABSENT), new.get(key, _ABSENT), f"{name}.{key}")
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple) and len(old) == len(new):
        for place, pair in enumerate(zip(old, new, strict=True)):
            yield from _differences(*pair, f"{name}[{place}]")
    elif old != new and str(old) != str(new):  # NaN
        yield name, old, new


def _short(value: Any) -> str:
    text = "nothing" if value == _ABSENT else repr(value)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]} ..."
