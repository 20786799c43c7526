"""Read the weights of a published depth model, in any layout that it is published in."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.models.weights import check_numbers
from depthkit.zoo.layout_names import LAYOUTS, OTHERS, Layout

_SIZES = {(384, 12): "Small", (768, 12): "Base", (1024, 24): "Large", (1536, 40): "Giant"}
# transformers 5 calls these parts so in memory; its files keep the names of before.
_IN_MEMORY = {f".attention.{one[0]}_proj.": f".attention.attention.{one}." for one in ("query", "key", "value")}
_IN_MEMORY[".attention.o_proj."] = ".attention.output.dense."


def to_depthkit(state: Mapping[str, Tensor], model: nn.Module, source: str | Path) -> dict[str, Tensor]:
    """Give the weights of a published model depthkit's names.

    The layout is found from the names: the authors' of Depth-Anything 1, 2 and 3, DPT and MiDaS 3, that of
    transformers, or depthkit's own. Every tensor is used, or is one of the few that such files hold and a
    prediction does not need (a mask token, a classifier, the fourth fusion block's unit for an input that it does not
    have).

    Args:
        state: the tensors of the file.
        model: the `DepthEstimator` that they are for; its tensors are not read, and may lie on the meta device.
        source: where the weights come from; for the message.

    Returns:
        A state dict with exactly the names and shapes of `model`.

    Raises:
        InputError: the weights are those of another model, incomplete, more than a model of this kind has, or not
            finite numbers of a floating type.
    """
    own = model.state_dict()
    state = {_stored_name(name): value for name, value in state.items()}
    if state.keys() >= {"backbone.cls_token", "decode_head.head.0.weight"}:
        converted, unexpected = dict(state), sorted(state.keys() - own.keys())
        missing = sorted(own.keys() - state.keys())
        for name, value in state.items():
            check_numbers(name, value, source)
        found = "depthkit's own model"
    else:
        layout = _find_layout(state, source)
        converted, missing, unexpected = _convert(state, own.keys(), layout, source)
        found = layout.family
    wrong = sorted(name for name in converted.keys() & own.keys() if not _fits(converted[name], own[name]))
    if not (missing or unexpected or wrong):
        return {name: converted[name].reshape(own[name].shape) for name in own}
    kind, wanted = _size(converted), _size(own)
    if kind != wanted:
        raise InputError(f"{source}: looks like {found} {kind}; expected {wanted}: name the model that the file is of")
    problems = {"missing": missing, "unknown": unexpected, "of another shape": wrong}
    listed = "; ".join(f"{_count(names)} {what}" for what, names in problems.items() if names)
    raise InputError(
        f"{source}: looks like {found} {kind}, but does not fit this model ({listed}); name the model that the file is "
        "of, or get the file again"
    )


def _find_layout(state: Mapping[str, Tensor], source: str | Path) -> Layout:
    for start, what in OTHERS.items():
        if any(name.startswith(start) for name in state):
            raise InputError(f"{source}: holds {what}, which is not one of depthkit's models; see depthkit models")
    for layout in LAYOUTS:
        if layout.marker in state:
            return layout
    first = ", ".join(sorted(state)[:3])
    raise InputError(
        f"{source}: is not a file of Depth-Anything or DPT (it holds {len(state)} tensors: {first}, ...); see depthkit "
        "models for the files that can be read"
    )


def _convert(
    state: dict[str, Tensor], own: Iterable[str], layout: Layout, source: str | Path
) -> tuple[dict[str, Tensor], list[str], list[str]]:
    """Return the tensors by depthkit's names, and the file's names that are missing and unknown."""
    converted, missing, used = {}, [], set()
    for name in own:
        theirs = layout.name_of(name) or name
        parts = [theirs.replace("{qkv}", part) for part in ("query", "key", "value")] if "{qkv}" in theirs else [theirs]
        absent = [part for part in parts if part not in state]
        missing += absent
        used.update(parts)
        if not absent:
            tensors = [state[part] for part in parts]
            for part, tensor in zip(parts, tensors, strict=True):  # before `cat`, which would mix their types
                check_numbers(part, tensor, source)
            converted[name] = torch.cat(tensors) if len(tensors) > 1 else tensors[0]
    unused = re.compile("|".join(layout.unused))
    return converted, sorted(missing), sorted(name for name in state.keys() - used if not unused.fullmatch(name))


def _stored_name(name: str) -> str:
    for memory, file in _IN_MEMORY.items():
        name = name.replace(memory, file)
    return name


def _fits(value: Tensor, own: Tensor) -> bool:
    """Whether the shapes are equal, or those of a linear layer and of the same layer as a 1x1 convolution."""
    return value.shape == own.shape or (*value.shape, 1, 1) == tuple(own.shape)


def _size(state: Mapping[str, Tensor]) -> str:
    """Name the size of a model from its tensors by depthkit's names."""
    token = state.get("backbone.cls_token")
    layers = {name.split(".")[2] for name in state if name.startswith("backbone.blocks.")}
    if token is None or not layers:
        return "of an unknown size"
    size = (token.shape[-1], len(layers))
    return f"{_SIZES.get(size, 'of its own size')} ({size[0]} channels, {size[1]} layers)"


def _count(names: list[str]) -> str:
    return f"{len(names)} tensor{'s' * (len(names) > 1)} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
