"""What the arguments of timm's VisionTransformer may be, that our backbones hand on to it."""

from collections.abc import Callable
from typing import Annotated, Literal

import torch
from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError
from timm.layers import get_act_layer, get_norm_layer
from typing_extensions import TypedDict

from depthkit.utils.validation import Count, Index, NotNegative, Rate


def _named(find: Callable) -> BeforeValidator:
    """Return a check that timm's function `find` knows a layer, which stays what it was."""

    def check(layer: object) -> object:
        try:
            find(layer)
        except (KeyError, AssertionError) as error:
            raise PydanticCustomError("layer", "the name of a layer of timm") from error
        return layer

    return BeforeValidator(check)


def _check_device(device: object) -> object:
    try:
        return device if device is None else torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise PydanticCustomError("device", "the name of a device") from error


_Norm = Annotated[str | Callable | None, _named(get_norm_layer)]


class TimmArguments(TypedDict, total=False):
    """The arguments that `DeiT` does not have itself, with their ranges."""

    in_chans: Count
    global_pool: Literal["", "avg", "avgmax", "max", "token", "map", "prr"]
    qkv_bias: bool
    qk_norm: bool
    scale_attn_norm: bool
    scale_mlp_norm: bool
    proj_bias: bool
    init_values: NotNegative | None
    class_token: bool
    pos_embed: Literal["", "none", "learn"]
    no_embed_class: bool
    reg_tokens: Index
    pre_norm: bool
    final_norm: bool
    fc_norm: bool | None
    pool_include_prefix: bool
    dynamic_img_size: bool
    dynamic_img_pad: bool
    drop_rate: Rate
    pos_drop_rate: Rate
    patch_drop_rate: Rate
    proj_drop_rate: Rate
    attn_drop_rate: Rate
    weight_init: Literal["skip", "reset", "jax", "jax_nlhb", "moco", ""]
    fix_init: bool
    embed_layer: Callable
    embed_norm_layer: _Norm
    norm_layer: _Norm
    act_layer: Annotated[str | Callable | None, _named(get_act_layer)]
    mlp_layer: Callable
    attn_layer: Literal["", "attn", "diff"] | Callable
    device: Annotated[object, AfterValidator(_check_device)]
