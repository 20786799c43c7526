"""The loop over layers that ToSA and EViT share."""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any

from timm.models.vision_transformer import feature_take_indices
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from depthkit.errors import InputError
from depthkit.models.backbones.deit import DeiT
from depthkit.models.backbones.features import Features


class LayerwiseDeiT(DeiT):
    """A DeiT that runs its layers one by one and hands a state of the forward pass from one to the next.

    A subclass gives `_new_state` and `_layers`, and `_all_tokens` if its layers drop some.
    """

    def extract_features(self, x: Tensor, with_tokens: bool = False) -> Features:
        """Take maps and tokens as `DeiT.extract_features` does."""
        return self._extract(x, self._new_state(x), with_tokens)

    def forward_intermediates(
        self,
        x: Tensor,
        indices: int | list[int] | None = None,
        return_prefix_tokens: bool = False,
        norm: bool = False,
        stop_early: bool = False,
        output_fmt: str = "NCHW",
        intermediates_only: bool = False,
        attn_mask: None = None,
    ) -> list | tuple[Tensor, list]:
        """Return tokens and maps of chosen layers; arguments and results are those of timm's method."""
        if output_fmt not in ("NCHW", "NLC"):
            raise ValueError(f"output_fmt={output_fmt!r}: expected 'NCHW' or 'NLC'")
        self._check_no_mask(attn_mask)
        taps, _ = feature_take_indices(len(self.blocks), indices)
        images = x if output_fmt == "NCHW" else None

        take = partial(self._split, images=images, with_prefix=return_prefix_tokens, norm=norm)
        tokens, maps = self._run_layers(x, self._new_state(x), take, taps, stop_early)
        return maps if intermediates_only else (self.norm(tokens), maps)

    def _new_state(self, x: Tensor) -> Any:
        """Return the state at the start of a forward pass over images (B, 3, H, W)."""
        raise NotImplementedError

    def _layers(self, x: Tensor, state: Any, count: int) -> Iterator[Tensor]:
        """Yield the tokens after each of the first `count` layers, given images (B, 3, H, W)."""
        raise NotImplementedError

    def _all_tokens(self, tokens: Tensor, state: Any) -> Tensor:
        """Return one token (B, N, C) for each prefix token and patch, from what a layer has yielded."""
        return tokens

    def _extract(self, x: Tensor, state: Any, with_tokens: bool) -> Features:
        taps = self.out_indices or ()
        take = partial(self._split, images=x, with_prefix=True, norm=self.norm_maps)
        tokens, maps = self._run_layers(x, state, take, taps, stop_early=not with_tokens)
        return Features(maps, self.norm(tokens) if with_tokens else None)

    def _run_layers(
        self,
        x: Tensor,
        state: Any,
        take: Callable[[Tensor], Any] | None = None,
        taps: Collection[int] = (),
        stop_early: bool = False,
    ) -> tuple[Tensor | None, list]:
        """Return the tokens after the last layer that ran, and what `take` makes of those after `taps`."""
        count = max(taps, default=-1) + 1 if stop_early else len(self.blocks)
        tokens, taken = None, []
        for i, tokens in enumerate(self._layers(x, state, count)):
            if i in taps:
                taken.append(take(self._all_tokens(tokens, state)))
        return tokens, taken

    def _embed(self, x: Tensor) -> Tensor:
        """Turn images (B, 3, H, W) into the tokens (B, N, C) that enter the first layer."""
        return self.norm_pre(self.patch_drop(self._pos_embed(self.patch_embed(x))))

    def _run(self, layer: Callable[..., Any], *arguments: Any) -> Any:
        """Call a layer, with activation checkpointing if that is on."""
        if self.grad_checkpointing and self.training:
            return checkpoint(layer, *arguments, use_reentrant=False)
        return layer(*arguments)

    def _check_no_mask(self, attn_mask: Tensor | None) -> None:
        if attn_mask is not None:
            raise InputError("attn_mask: token selection takes none; leave it out")

    def _split(
        self, tokens: Tensor, images: Tensor | None, with_prefix: bool, norm: bool
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Split tokens (B, N, C) into patches, with `images` as a map (B, C, h, w), and prefix tokens if any."""
        tokens = self.norm(tokens) if norm else tokens
        prefix, patches = tokens[:, : self.num_prefix_tokens], tokens[:, self.num_prefix_tokens :]
        if images is not None:
            grid = self.patch_embed.dynamic_feat_size(images.shape[-2:])
            patches = patches.transpose(1, 2).unflatten(-1, grid).contiguous()
        return (patches, prefix) if with_prefix and self.num_prefix_tokens else patches
