"""A small ToSA, and what its layers and maps are."""

import torch

from depthkit.models import ToSA
from helpers import SMALL_VIT as SMALL

FOLLOWING = [
    dict(skipped="neighbours"),
    dict(skipped="neighbours", importance="even"),
    dict(skipped="neighbours", importance="even", keys="all"),
    dict(skipped="neighbours", importance="update", selective_layers=(1, 2, 3)),
    dict(skipped="neighbours", importance="even", selective_layers=(2, 3)),
    dict(skipped="similar"),
    dict(skipped="similar", importance="even", selective_layers=(1, 2, 3)),
    dict(skipped="similar", importance="even", keys="all", selective_layers=(2, 3)),
]
FOLLOWING = [dict(selection="shared", keep_rate=0.5) | options for options in FOLLOWING]


def build(**kwargs) -> ToSA:
    torch.manual_seed(0)
    rows = "all" if kwargs.get("importance", "attention") == "attention" else "pooled"
    model = ToSA(**{**SMALL, "score_rows": rows, **kwargs}).eval()
    for block in model.blocks:  # at initialisation all tokens are nearly alike
        torch.nn.init.normal_(block.attn.qkv.weight, std=0.2)
    return model


def images(count: int = 2) -> torch.Tensor:
    return torch.randn(count, 3, 64, 80, generator=torch.Generator().manual_seed(1))


def run(model: ToSA) -> list[torch.Tensor]:
    """Its maps, and all its tokens."""
    features = model.extract_features(images(), with_tokens=True)
    maps = [one if torch.is_tensor(one) else one[0] for one in features.maps]
    return [*maps, features.tokens]


def layers_of(model: ToSA) -> tuple[list[tuple[torch.Tensor, torch.Tensor]], list[torch.Tensor]]:
    """Tokens that enter and leave each layer, and which patches attend, (B, heads or 1, n)."""
    seen = []
    for block in model.selective_blocks:  # hand on all tokens, also to a layer that attends the same
        block.can_gather = lambda state: False
    hooks = [block.register_forward_hook(lambda m, args, out: seen.append((args[0], out))) for block in model.blocks]
    with torch.no_grad():
        _, maps = model.forward_features(images(), return_selection=True)
    for hook in hooks:
        hook.remove()
    for block in model.selective_blocks:
        del block.can_gather
    return seen, [attended.flatten(2) for attended in maps]
