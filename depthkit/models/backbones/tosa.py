"""ToSA: a DeiT of which some layers are token selective, and which keeps all tokens."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest

import torch
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.models.backbones.features import Features
from depthkit.models.backbones.layerwise import LayerwiseDeiT
from depthkit.models.layers.blocks import Keys, Selection, SelectiveBlock, Skipped, StandardBlock
from depthkit.models.layers.keep_rates import KeepRates, check_keep_rates
from depthkit.models.layers.pair_state import PairState
from depthkit.models.layers.selector import Importance, ScoreRows, SelectorLayers
from depthkit.registry import MODELS
from depthkit.utils.validation import Count, Probability, validate_arguments

# Defaults of the arguments of `ToSA` that mean something with ``importance='attention'`` only.
_OF_ATTENTION = dict(score_rows="pooled", score_stride=4, cls_token_weight=None, selector_layers=1)


@dataclass
class ForwardState:
    """State of one forward pass: what the layers of a ToSA hand on beside the tokens.

    Attributes:
        grid: (h, w) of the patches.
        with_loss: compute the selectors' loss.
        pairs: the states of the token selective layers that have run, each with the layer before it.
        before: all tokens (B, N, C) before the layers side by side that are running now and hand on only the attended
            ones; None outside such layers.
    """

    grid: tuple[int, int]
    with_loss: bool = False
    pairs: list[PairState] = field(default_factory=list)
    before: Tensor | None = None


@MODELS.register_module()
class ToSA(LayerwiseDeiT):
    """Token selective attention (Singh et al., CVPRW 2024, arXiv 2406.08816) on a DeiT.

    A token selective layer and the standard one before it are a pair. From the Q·K maps of the first a token selector
    predicts the maps of the second; there the most important tokens attend, and all others skip the layer unchanged.
    All tokens stay, so the maps serve a dense decoder. With ``keep_rate=1`` it is the dense DeiT. Base weights have
    timm's keys; selectors are at ``blocks.<second>.selector``.

    Args:
        keep_rate: fraction of the patches that attend, K = max(1, round(keep_rate * patches)); one number, or one
            for each token selective layer. Class and distillation tokens always attend.
        selection: ``per_head`` (the paper's figure 2) or ``shared`` (one set for all heads: the fast form).
        score_rows: query rows from which importance is taken: ``all`` (the paper's form), ``grid`` or ``pooled``
            (`depthkit.models.layers.selector.score_queries`).
        score_stride: distance [patches] of those rows in both directions; unused with ``all``.
        cls_token_weight: weight of the class token's row in the importance; None: as any row's
            (`depthkit.models.layers.selector.importance`).
        selector_layers: depth of the selectors (`depthkit.models.layers.selector.TokenSelector`).
        importance: which patches attend (all but the first are ours): ``attention``: those that receive the most
            attention in the predicted map; ``update``: those that the first layer of the pair changed most (the norm of
            its update; free); ``predicted_update``: those that the second is predicted to change most
            (`depthkit.models.layers.update_head.UpdateHead`); ``even``: those of a pattern that covers each image
            evenly (`depthkit.models.layers.neighbours.even_pattern`; free); ``random``, a control that trains as the
            others do. By updates and evenly only ``shared`` ranks. ``update``, ``even`` and ``random`` have nothing to
            learn: the state dict is the dense model's. The four arguments before are refused with all but
            ``attention``.
        keys: to which tokens the attended ones attend: ``attended`` or ``all``. With ``all``, their queries, output
            and MLP are saved, and keys and values are those of all tokens (ours).
        coverage: patches that skipped the last token selective layer come before all others at the next (ours).
        skipped: what becomes of patches that skip: ``unchanged`` (the paper); ``neighbours``: they are moved as the
            attended ones of their eight neighbours were, on average; ``similar``: likewise, and those that resembled
            them before the layer, or the first of layers side by side, count more (ours; ``shared`` only;
            `depthkit.models.layers.neighbours.neighbour_weights`).
        selective_layers: the token selective layers, 0-based and ascending; None: every second layer, 1, 3, 5 and so
            on. Layers side by side attend the patches that the first of them chose, and have one keep rate (ours). In a
            map of `out_indices` that taps one of them, the tokens that skipped it are those of the layer before, or
            follow their neighbours. Between layers side by side only the attended tokens are handed on.
        depth, **deit: the arguments of `DeiT`, such as `embed_dim` and `out_indices`. The weights of a dense model fit
            as `pretrained`; the selectors then start at the identity.

    Raises:
        InputError: an argument is wrong, or the weights are not available or do not fit.
    """

    @validate_arguments
    def __init__(
        self,
        keep_rate: KeepRates = 0.5,
        selection: Selection = "per_head",
        score_rows: ScoreRows = "pooled",
        score_stride: Count = 4,
        cls_token_weight: Probability | None = None,
        selector_layers: SelectorLayers = 1,
        importance: Importance = "attention",
        keys: Keys = "attended",
        coverage: bool = False,
        skipped: Skipped = "unchanged",
        selective_layers: Sequence[int] | None = None,
        depth: Count = 12,
        **deit,
    ) -> None:
        selective = dict(
            selection=selection,
            score_rows=score_rows,
            score_stride=score_stride,
            cls_token_weight=cls_token_weight,
            selector_layers=selector_layers,
            importance=importance,
            keys=keys,
            coverage=coverage,
            skipped=skipped,
        )
        check_selection(**selective)
        rates = rates_by_layer(keep_rate, selective_layers, depth)
        super().__init__(depth=depth, block_fn=partial(_make_block, rates=rates, selective=selective), **deit)

    @property
    def selective_layers(self) -> tuple[int, ...]:
        """The token selective layers, 0-based and ascending."""
        return tuple(i for i, block in enumerate(self.blocks) if isinstance(block, SelectiveBlock))

    @property
    def selective_blocks(self) -> list[SelectiveBlock]:
        """The modules of `selective_layers`."""
        return [block for block in self.blocks if isinstance(block, SelectiveBlock)]

    @property
    def choosing_blocks(self) -> list[SelectiveBlock]:
        """Those of `selective_blocks` that choose their own tokens: not right behind another."""
        return [block for block in self.selective_blocks if not block.follows]

    @property
    def keep_rate(self) -> tuple[float, ...]:
        """The keep rate of each token selective layer; assign one number, or one for each."""
        return tuple(block.keep_rate for block in self.selective_blocks)

    @keep_rate.setter
    def keep_rate(self, keep_rate: float | Sequence[float]) -> None:
        rates = rates_by_layer(keep_rate, self.selective_layers, len(self.blocks))
        for block, rate in zip(self.selective_blocks, rates.values(), strict=True):
            block.keep_rate = rate

    def forward_features(
        self, x: Tensor, attn_mask: None = None, return_selection: bool = False
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Turn images (B, 3, H, W) into normalised tokens (B, N, C), as timm's models do.

        Returns:
            The tokens; with `return_selection` also, for each token selective layer, the map (B, heads or 1,
            grid_h, grid_w) that is True where a patch attends.
        """
        self._check_no_mask(attn_mask)
        state = self._new_state(x)
        tokens, _ = self._run_layers(x, state)
        tokens = self.norm(tokens)
        if not return_selection:
            return tokens
        pairs = zip(state.pairs, self.selective_blocks, strict=True)
        return tokens, [self._attended(pair, block, len(tokens)) for pair, block in pairs]

    def extract_features(self, x: Tensor, with_tokens: bool = False) -> Features:
        """Take maps and tokens as `DeiT.extract_features` does; in training the losses hold ``loss_selector``.

        That is the KL divergence of the attention that the selectors predicted from the true one, on sampled
        rows among the attended tokens, mean over layers. It trains the selectors and nothing else.
        """
        state = self._new_state(x)
        state.with_loss = self.training
        features = self._extract(x, state, with_tokens)
        losses = [pair.loss for pair in state.pairs if pair.loss is not None]
        if losses:
            features.losses["loss_selector"] = torch.stack(losses).mean()
        return features

    def _all_tokens(self, tokens: Tensor, state: ForwardState) -> Tensor:
        if state.before is None:
            return tokens
        return self.selective_blocks[0].give_back(state.before, tokens, state.pairs[-1])

    def _attended(self, pair: PairState, block: SelectiveBlock, batch: int) -> Tensor:
        """Return the map (B, heads or 1, grid_h, grid_w) that is True where a patch attends."""
        sets = 1 if block.selection == "shared" else block.attn.num_heads
        shape = (batch, sets, pair.grid[0] * pair.grid[1])
        if pair.index is None:
            mask = torch.ones(shape, dtype=torch.bool, device=self.pos_embed.device)
        else:
            patches = pair.index[..., self.num_prefix_tokens :] - self.num_prefix_tokens
            mask = torch.zeros(shape, dtype=torch.bool, device=patches.device).scatter(-1, patches, True)
        return mask.unflatten(-1, pair.grid)

    def _new_state(self, x: Tensor) -> ForwardState:
        return ForwardState(self.patch_embed.dynamic_feat_size(x.shape[-2:]))

    def _layers(self, x: Tensor, state: ForwardState, count: int) -> Iterator[Tensor]:
        """Yield the tokens after each of the first `count` layers.

        All of them (B, N, C), or between layers side by side the attended ones (B, T, C).
        """
        x = self._embed(x)
        blocks = list(self.blocks)[:count]
        pair = None
        for block, following in zip_longest(blocks, blocks[1:]):
            selective = isinstance(following, SelectiveBlock)
            if isinstance(block, StandardBlock) and selective:
                before = state.pairs[-1].index if state.pairs else None
                pair = PairState(state.grid, following, state.with_loss and following.learns, before)
                state.pairs.append(pair)
            elif isinstance(block, StandardBlock):
                pair = PairState(state.grid, None, False)
            if isinstance(block, SelectiveBlock):
                if selective and not block.follows and block.can_gather(pair):
                    state.before = x
                pair.gathered = state.before is not None
            x = self._run(block, x, pair)
            if not selective:
                x, state.before = self._all_tokens(x, state), None
            yield x
            if isinstance(block, SelectiveBlock) and selective:
                pair = PairState(state.grid, None, False, index=pair.index, weights=pair.weights)
                state.pairs.append(pair)


def check_selection(importance: Importance, selection: Selection, skipped: Skipped, **others) -> None:
    """Check that the arguments of `ToSA` that say how patches are selected go together.

    Raises:
        InputError: heads are to choose their own patches from one importance for all heads, or with patches that follow
            neighbours, or one of `others` is not its default and means nothing with this importance.
    """
    for name, default in _OF_ATTENTION.items():
        if importance != "attention" and others[name] != default:
            raise InputError(
                f"{name}={others[name]!r}: says how attention ranks patches, which importance={importance!r} does not "
                "ask; leave it out, or take importance='attention'"
            )
    if skipped != "unchanged" and selection == "per_head":
        raise InputError(
            f"skipped='{skipped}': patches follow neighbours that attend in all heads; use selection='shared'"
        )
    if importance in ("update", "predicted_update", "even") and selection == "per_head":
        raise InputError(f"importance='{importance}': ranks patches for all heads alike; use selection='shared'")


def rates_by_layer(
    keep_rate: float | Sequence[float], selective_layers: Sequence[int] | None, depth: int
) -> dict[int, float]:
    """Return the keep rate of each token selective layer, by its 0-based index.

    Arguments are those of `ToSA`.

    Raises:
        InputError: `keep_rate` is out of range, has not one number for each of them, or has two for layers side by
            side; a layer is the first of the model or not below `depth`, or does not ascend.
    """
    layers = tuple(range(1, depth, 2) if selective_layers is None else selective_layers)
    ascending = all(after > before for before, after in zip((0, *layers), layers, strict=False))
    if selective_layers is not None and not (layers and layers[-1] < depth and ascending):
        raise InputError(
            f"selective_layers={selective_layers}: expected 0-based layers from 1 to {depth - 1}, in ascending order; "
            "the first layer of the model has none before it that could choose tokens"
        )
    rates = dict(zip(layers, check_keep_rates(keep_rate, len(layers)), strict=True))
    for layer, rate in rates.items():
        if rates.get(layer - 1, rate) != rate:
            raise InputError(
                f"keep_rate={keep_rate}: layers {layer - 1} and {layer} are side by side and attend the same patches; "
                "give both the same rate"
            )
    return rates


def _make_block(*, depth: int, rates: Mapping[int, float], selective: dict, **arguments) -> nn.Module:
    """Build layer `depth` (0-based): token selective if it has a keep rate."""
    if depth not in rates:
        return StandardBlock(depth=depth, **arguments)
    return SelectiveBlock(depth=depth, keep_rate=rates[depth], follows=depth - 1 in rates, **selective, **arguments)
