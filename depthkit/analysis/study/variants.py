"""The variants that a study compares."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from mmengine.config import Config
from pydantic import ConfigDict, TypeAdapter, ValidationError

from depthkit.errors import InputError
from depthkit.utils.validation import describe


@dataclass(frozen=True)
class Variant:
    """One way to train a depth model.

    Attributes:
        name: unique; also the name of a folder.
        config: name or path of its config.
        options: changes of the config, by dotted names.
        curve: name of the curve that it is a point of; None: its own.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")  # a misspelt key would train the plain config

    name: str
    config: str
    options: dict[str, Any] = field(default_factory=dict)
    curve: str | None = None


# Of the smoke test: generated rooms, nothing to download.
_QUICK = {"batch_size": 2, "workers": 0, "train_dataloader.dataset.length": 4, "test_dataloader.dataset.length": 2}
_QUICK |= {"train_cfg.max_iters": 2, "schedule": "cosine", "img_size": (64, 80)}
QUICK_VARIANTS = (
    Variant("dense", "demo_rooms", {**_QUICK, "model.backbone.keep_rate": 1.0}, "dense"),
    Variant("smaller", "demo_rooms", {**_QUICK, "model.backbone.keep_rate": 1.0, "img_size": (48, 64)}, "dense"),
    Variant("random", "demo_rooms", {**_QUICK, "model.backbone.importance": "random"}),
)


def read_variants(path: str | Path) -> list[Variant]:
    """Read ``variants``, a list of dicts with the attributes of `Variant`, from a .py or .json file.

    The first one is the baseline of the others.

    Raises:
        InputError: the file cannot be read, or its list is not one of variants with different names.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; expected one that sets variants = [dict(name=..., config=...), ...]")
    try:
        content = Config.fromfile(path, import_custom_modules=False).to_dict().get("variants")
        variants = TypeAdapter(list[Variant]).validate_python(content)
    except ValidationError as error:
        raise InputError(f"{path}: variants: {describe(error)}") from error
    except Exception as error:  # the file is code, which may raise anything
        raise InputError(f"{path}: cannot be read ({type(error).__name__}: {error})") from error
    _check(variants, str(path))
    return variants


def _check(variants: Sequence[Variant], source: str) -> None:
    """Raise InputError unless there are variants, with different names that can be names of folders."""
    names = [variant.name for variant in variants]
    wrong = [name for name in names if Path(name).name != name or name in ("", "..") or names.count(name) > 1]
    if wrong or not names:
        raise InputError(f"{source}: {wrong[:1] or 'no variant'}: expected different names without '/', one at least")


def choose_variants(variants: list[Variant], names: Sequence[str]) -> list[Variant]:
    """Return the baseline, which is the first variant, and those of `names`; all if there are no names.

    Raises:
        InputError: a name is not one of them.
    """
    known = [variant.name for variant in variants]
    for name in names:
        if name not in known:
            raise InputError(f"--only {name}: unknown; expected some of {', '.join(known)}")
    return [one for i, one in enumerate(variants) if i == 0 or not names or one.name in names]
