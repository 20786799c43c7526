"""Other ways to rank tokens in a ToSA: the controls that its selector is compared with."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.models import ToSA
from depthkit.models.backbones.blocks import PairState, project_qkv
from depthkit.models.selector import importance, num_attended, score_queries, top_patches

SCORES = ("selector", "identity", "class_token", "oracle", "random", "least")


@contextmanager
def scored_by(model: ToSA, score: str, seed: int = 0) -> Iterator[None]:
    """Inside, the layers of `model` choose as many tokens as ever, but by another score.

    Args:
        model: not used by other threads meanwhile.
        score: ``selector``, its own; ``identity``: the attention received in the current map, without the
            selector; ``class_token``: the class token's attention in the current map; ``oracle``: the
            attention received in the true map of the layer that selects, from all rows; ``random``;
            ``least``: the lowest of the selector's own.
        seed: of ``random``.

    Raises:
        InputError: another score.
    """
    if score not in SCORES:
        raise InputError(f"score '{score}': expected one of {', '.join(SCORES)}")
    if score == "selector":
        yield
        return
    blocks = list(model.blocks[1::2])
    true_maps: dict[nn.Module, Tensor] = {}
    hooks = []
    generator = torch.Generator().manual_seed(seed)
    for block in blocks:
        if score == "oracle":
            hooks.append(block.register_forward_pre_hook(partial(_keep_true_map, true_maps)))
        block.choose = partial(_choose, block, score, true_maps, generator)
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for block in blocks:
            del block.choose


def _keep_true_map(true_maps: dict[nn.Module, Tensor], block: nn.Module, arguments: tuple[Tensor, PairState]) -> None:
    query, key, _ = project_qkv(block.attn, block.norm1(arguments[0]))
    true_maps[block] = query * block.attn.scale @ key.transpose(-2, -1)


@torch.no_grad()
def _choose(
    block: nn.Module,
    score: str,
    true_maps: dict[nn.Module, Tensor],
    generator: torch.Generator,
    state: PairState,
) -> Tensor:
    """In the place of `SelectiveBlock.choose`."""
    patches = state.grid[0] * state.grid[1]
    prefix = state.key.shape[2] - patches
    scores = _scores(block, score, true_maps, generator, state)
    if block.selection == "shared":
        scores = scores.mean(dim=1, keepdim=True)
    return top_patches(scores, num_attended(block.keep_rate, patches), prefix)


def _scores(
    block: nn.Module,
    score: str,
    true_maps: dict[nn.Module, Tensor],
    generator: torch.Generator,
    state: PairState,
) -> Tensor:
    """Scores (B, H, N) of the tokens."""
    if score == "random":
        batch, heads, tokens, _ = state.key.shape
        return torch.rand(batch, heads, tokens, generator=generator).to(state.key.device)
    if score == "oracle":
        return importance(true_maps.pop(block))
    if score == "class_token":
        query = state.query[:, :, :1]
    else:
        query = score_queries(state.query, state.grid, block.score_rows, block.score_stride)
    maps = query * block.attn.scale @ state.key.transpose(-2, -1)
    if score == "least":
        return -importance(block.selector(maps))
    return importance(maps)
