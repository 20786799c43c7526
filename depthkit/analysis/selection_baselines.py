"""Other ways to rank the tokens of a ToSA: controls that its selector is compared with."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.models import ToSA
from depthkit.models.layers.attention import project_qkv
from depthkit.models.layers.pair_state import PairState
from depthkit.models.layers.selector import first_in_line, num_kept, score_queries, top_patches

SCORES = ("selector", "identity", "class_token", "oracle", "random", "least")


@contextmanager
def scored_by(model: ToSA, score: str, seed: int = 0) -> Iterator[None]:
    """Make the layers of `model` choose the same number of tokens by another score inside the block.

    Args:
        model: must not be used by other threads meanwhile.
        score: ``selector``: its own; ``identity``: attention received in the current map, without the selector;
            ``class_token``: the class token's attention in the current map; ``oracle``: attention received in the
            true map of the layer that selects, from all rows; ``random``; ``least``: the lowest of the selector's own.
        seed: of ``random``.

    Raises:
        InputError: an unknown score; ``least`` of a model whose selectors rank by updates.
    """
    if score not in SCORES:
        raise InputError(f"score '{score}': expected one of {', '.join(SCORES)}")
    if score == "selector":
        yield
        return
    blocks = model.choosing_blocks
    own = [block.importance for block in blocks]
    if score == "least" and own != ["attention"] * len(own):
        raise InputError(f"score 'least': expected a model with importance='attention', not {own[0]!r}")
    hooks = []
    generator = torch.Generator().manual_seed(seed)
    for block in blocks:
        if score == "oracle":
            hooks.append(block.register_forward_pre_hook(_choose_by_true_map))
        else:
            block.choose = partial(_choose, block, score, generator)
            block.importance = "attention"  # so that the layer asks `choose`, and no other method
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for block, importance in zip(blocks, own, strict=True):
            vars(block).pop("choose", None)
            block.importance = importance


@torch.no_grad()
def _choose_by_true_map(block: nn.Module, arguments: tuple[Tensor, PairState]) -> None:
    """Replace the selector's choice: the tokens whose map is the true one exist only here."""
    tokens, state = arguments
    query, key, _ = project_qkv(block.attn, block.norm1(tokens))
    patches = state.grid[0] * state.grid[1]
    maps = query * block.attn.scale @ key.transpose(-2, -1)
    prefix = maps.shape[-1] - patches
    state.index = _top(block, block.scores(maps, prefix), num_kept(block.keep_rate, patches), prefix, state)


@torch.no_grad()
def _choose(
    block: nn.Module, score: str, generator: torch.Generator, query: Tensor, key: Tensor, state: PairState
) -> Tensor:
    """Choose tokens in place of `SelectiveBlock.choose`."""
    patches = state.grid[0] * state.grid[1]
    prefix = key.shape[2] - patches
    count = num_kept(block.keep_rate, patches)
    if score == "random":
        sets = 1 if block.selection == "shared" else key.shape[1]
        scores = torch.rand(key.shape[0], sets, key.shape[2], generator=generator)
        return _top(block, scores.to(key.device), count, prefix, state)
    rows = query[:, :, :1]
    if score != "class_token":
        rows = score_queries(query, state.grid, block.score_rows, block.score_stride)
    maps = rows * block.attn.scale @ key.transpose(-2, -1)
    if score != "least":
        return _top(block, block.scores(maps, prefix), count, prefix, state)
    return _top(block, -block.scores(block.selector(maps), prefix), count, prefix, state)


def _top(block: nn.Module, scores: Tensor, count: int, prefix: int, state: PairState) -> Tensor:
    """Choose the highest scores (B, S, N), with coverage among those that were skipped before."""
    if block.coverage and state.attended_before is not None:
        least, most = (end(scores, dim=-1, keepdim=True) for end in (torch.amin, torch.amax))
        scores = first_in_line(scores + most - 2 * least, state.attended_before)  # positive
    return top_patches(scores, count, prefix)
