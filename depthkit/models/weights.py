"""Load weights from files and hubs, without skipping a key silently."""

import math
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.logging import print_log
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.models.checkpoint_file import METADATA_KEY, STATE_KEYS, check_tensor, read_checkpoint
from depthkit.models.checkpoint_info import CheckpointInfo
from depthkit.utils.hub import ask_hub

if TYPE_CHECKING:
    from mmengine.config import Config
_LONGEST = 100  # letters of a tensor's name in a message


def read_metadata(path: str | Path) -> CheckpointInfo | None:
    """Read what a checkpoint says about itself; None for a file of an older depthkit or of others.

    Raises:
        InputError: as `read_checkpoint`, and when that description is damaged or of a newer depthkit.
    """
    block = read_checkpoint(path, metadata_only=True).get(METADATA_KEY)
    return None if block is None else CheckpointInfo.from_plain(block, path)


def read_config(path: str | Path) -> "Config":
    """Read the config that the checkpoint at `path` carries.

    It came with a file: build what it names under `depthkit.registry.registered_types_only`.

    Raises:
        InputError: as `read_metadata`, and when the file carries no config.
    """
    from depthkit.utils.config import config_from_plain

    info = read_metadata(path)
    if info is None:
        raise InputError(
            f"{path}: carries no config; give the config that it was trained with too; if it is a published file, give "
            "the name of its model (--model NAME, in Python from_pretrained): `depthkit models` lists them"
        )
    return config_from_plain(info.config, f"{path}: {info.config_name}.py")


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Read the state dict of a file, plain or under ``state_dict`` or ``model`` (DeiT's own layout).

    Raises:
        InputError: as `read_checkpoint`, and when the file holds no tensors.
    """
    content = read_checkpoint(path)
    for key in STATE_KEYS:
        if isinstance(content.get(key), dict):
            content = content[key]
            break
    state = {k.removeprefix("module."): v for k, v in content.items() if isinstance(k, str) and isinstance(v, Tensor)}
    if not state:
        raise InputError(f"{path}: holds no weights; expected a state dict, or one under 'model' or 'state_dict'")
    return state


def check_numbers(name: str, value: Tensor, source: str | Path) -> None:
    """Check that a tensor of weights holds finite numbers with a fraction.

    Args:
        name: of the tensor, for the message.
        value: of any shape; on the meta device only its type is checked.
        source: where it comes from, for the message.

    Raises:
        InputError: it holds whole or complex numbers, NaN or infinity, or is too large for float32.
    """
    if not value.is_floating_point():
        kind = str(value.dtype).removeprefix("torch.")
        raise InputError(f"{source}: {name} holds {kind} numbers; expected floating point, so get another file")
    if not value.is_meta:
        check_tensor(name, value, source)


def forget_pretrained(model: dict) -> None:
    """Remove from the config of a `model` what loads weights that a checkpoint replaces anyway."""
    backbone = model.get("backbone")
    for part in (model, backbone):
        if isinstance(part, dict) and "pretrained" in part:
            part["pretrained"] = None
    if isinstance(backbone, dict):
        backbone.pop("init_cfg", None)


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Load the checkpoint of a complete model (a depth estimator or classifier of ours), every key of it.

    Raises:
        InputError: the file cannot be read, is of another model (keys or shapes differ), or holds weights that are not
            finite.
    """
    state = read_state_dict(path)
    own = model.state_dict()
    missing = sorted(own.keys() - state.keys())
    unexpected = sorted(state.keys() - own.keys())
    wrong = sorted(k for k in own.keys() & state.keys() if own[k].shape != state[k].shape)
    if missing or unexpected or wrong:
        raise InputError(
            f"{path}: is a checkpoint of another model ({_count('missing', missing)}, "
            f"{_count('unexpected', unexpected)}, {_count('of another shape', wrong)}); give the config that it was "
            "trained with"
        )
    for name, value in own.items():
        if value.is_floating_point():
            check_numbers(name, state[name], path)
    model.load_state_dict(state)


def load_backbone(
    model: nn.Module, pretrained: bool | str | Path, hub_name: str, optional: tuple[str, ...] = ()
) -> dict[str, Tensor]:
    """Load the weights of a timm-style vision transformer and report what was missing and left over.

    Position embeddings are resampled to the model's grid. A checkpoint of one of our complete models works too:
    what is under ``backbone.`` is taken, and what is under ``cls_head.`` is its classifier.

    Args:
        model: a timm VisionTransformer or subclass.
        pretrained: True for timm's hub, or the path of a local file in timm's or DeiT's own layout.
        hub_name: the timm name of the dense model, for example ``deit_small_patch16_224``.
        optional: pieces of key names that a file may lack (a token selector, when the file is of a dense model).

    Returns:
        The classifier's weights by timm's names, where the model has no classifier of its own; else nothing.

    Raises:
        InputError: the hub cannot be reached, or the file is not of this model.
    """
    from timm.models.vision_transformer import checkpoint_filter_fn

    if pretrained is True:
        source, state = f"timm's {hub_name}", _hub_state(hub_name)
    else:
        source, state = str(pretrained), read_state_dict(pretrained)
    if any(k.startswith("backbone.") for k in state):
        ours = ("backbone.", "cls_head.")
        state = {k.partition(".")[2]: v for k, v in state.items() if k.startswith(ours)}
    own = model.state_dict()
    patch = state.get("patch_embed.proj.weight")
    if patch is None or patch.shape != own["patch_embed.proj.weight"].shape:
        raise InputError(
            f"{source}: has no patch embedding of shape {tuple(own['patch_embed.proj.weight'].shape)}; expected "
            f"weights of {hub_name} in timm's or DeiT's own layout"
        )
    position = state.get("pos_embed")
    if (
        position is not None
        and position.shape != own["pos_embed"].shape
        and (position.ndim != 3 or not _is_square(position.shape[1] - model.num_prefix_tokens))
    ):
        raise InputError(
            f"{source}: its position table {tuple(position.shape)} is not that of a square grid after "
            f"{model.num_prefix_tokens} prefix tokens; expected weights of {hub_name}"
        )
    state = checkpoint_filter_fn(state, model)
    missing = sorted(own.keys() - state.keys())
    unexpected = sorted(state.keys() - own.keys())
    wrong = sorted(k for k in own.keys() & state.keys() if own[k].shape != state[k].shape)
    fatal = [k for k in missing if not any(part in k for part in optional)] + wrong
    if fatal:
        raise InputError(
            f"{source}: does not fit this model: {_count('missing or of another shape', fatal)}; expected weights "
            f"of {hub_name} with {getattr(model, 'num_classes', 0)} classes"
        )
    # A dense model leaves a ToSA's selectors aside; another kind of selector must not be left aside in part.
    foreign = [k for k in unexpected if any(part in k and any(part in name for name in own) for part in optional)]
    if foreign:
        raise InputError(
            f"{source}: {_count('of another kind', foreign)} than this model's; build it with the selector_layers that "
            "the weights were trained with"
        )
    classifier = {}
    if not model.num_classes:  # a backbone without a classifier leaves the file's one aside, as asked
        classifier = {k: state[k] for k in unexpected if k.startswith(("head.", "head_dist."))}
        unexpected = [k for k in unexpected if k not in classifier]
    used = {k: v for k, v in state.items() if k in own}
    for name, value in used.items():
        if own[name].is_floating_point():
            check_numbers(name, value, source)
    model.load_state_dict(used, strict=False)
    print_log(
        f"Loaded {len(own) - len(missing)} tensors from {source}; {_count('missing', missing)}, "
        f"{_count('unexpected', unexpected)}.",
        logger="current",
    )
    return classifier


def _is_square(number: int) -> bool:
    return number > 0 and math.isqrt(number) ** 2 == number


def _hub_state(name: str) -> dict[str, Tensor]:
    import timm

    try:
        _check_hub(getattr(timm.models.get_pretrained_cfg(name), "hf_hub_id", None))
        return timm.create_model(name, pretrained=True).state_dict()
    except Exception as error:  # network, hub and cache failures have no common type
        raise InputError(
            f"pretrained=True: cannot download the weights of {name} ({type(error).__name__}); without a network, "
            "give a local file instead: pretrained='/path/to/weights.safetensors' (or .pth)"
        ) from error


def _check_hub(repository: str | None) -> None:
    """Raise an error within seconds where no hub answers: timm would try for a minute."""
    from huggingface_hub import hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError

    files = ("model.safetensors", "pytorch_model.bin")  # in timm's order
    if repository and not any(isinstance(try_to_load_from_cache(repository, file), str) for file in files):
        with suppress(HfHubHTTPError):  # an answer; timm makes something of it
            ask_hub(hf_hub_url(repository, files[0]))


def _count(what: str, keys: list[str]) -> str:
    shown = ", ".join(key if len(key) < _LONGEST else f"{key[:_LONGEST]}..." for key in keys[:3])
    shown += ", ..." if len(keys) > 3 else ""
    return f"{len(keys)} keys {what}" + (f" ({shown})" if keys else "")
