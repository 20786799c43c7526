"""What ToSA and EViT share: a DeiT whose layers hand on more than their tokens."""

from collections.abc import Callable, Iterator
from typing import Any

from timm.models.vision_transformer import feature_take_indices
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from depthkit.errors import InputError
from depthkit.models.backbones.deit import DeiT


class LayerwiseDeiT(DeiT):
    """A DeiT that runs its layers one by one beside a state of the forward pass, which it fills on the way.

    A subclass gives `_new_state` and `_layers`, and `_all_tokens` if its layers drop some.
    """

    def _new_state(self, x: Tensor) -> Any:
        """The state at the start of a forward pass over images (B, 3, H, W)."""
        raise NotImplementedError

    def _layers(self, x: Tensor, state: Any, count: int) -> Iterator[Tensor]:
        """Yield the tokens after each of the first `count` layers, for images (B, 3, H, W)."""
        raise NotImplementedError

    def _all_tokens(self, tokens: Tensor, state: Any) -> Tensor:
        """One token (B, N, C) for each prefix token and patch of the image, from what a layer has yielded."""
        return tokens

    def _embed(self, x: Tensor) -> Tensor:
        """Images (B, 3, H, W) to the tokens (B, N, C) that enter the first layer."""
        return self.norm_pre(self.patch_drop(self._pos_embed(self.patch_embed(x))))

    def _run(self, layer: Callable[..., Any], *arguments: Any) -> Any:
        """Call a layer, with activation checkpointing if that is on."""
        if self.grad_checkpointing and self.training:
            return checkpoint(layer, *arguments, use_reentrant=False)
        return layer(*arguments)

    def _check_no_mask(self, attn_mask: Tensor | None) -> None:
        if attn_mask is not None:
            raise InputError("attn_mask: token selection takes none; leave it out")

    def forward_intermediates(
        self,
        x: Tensor,
        indices: int | list[int] | None = None,
        return_prefix_tokens: bool = False,
        norm: bool = False,
        stop_early: bool = False,
        output_fmt: str = "NCHW",
        intermediates_only: bool = False,
    ) -> list | tuple[Tensor, list]:
        """Tokens and maps of chosen layers: the contract and the arguments of timm's `forward_intermediates`."""
        if output_fmt not in ("NCHW", "NLC"):
            raise ValueError(f"output_fmt={output_fmt!r}: expected 'NCHW' or 'NLC'")
        take, last = feature_take_indices(len(self.blocks), indices)
        maps, state = [], self._new_state(x)
        for i, tokens in enumerate(self._layers(x, state, last + 1 if stop_early else len(self.blocks))):
            if i in take:
                taken = self._all_tokens(tokens, state)
                taken = self.norm(taken) if norm else taken
                patches, prefix = self._split(taken, x) if output_fmt == "NCHW" else self._split(taken)
                with_prefix = return_prefix_tokens and self.num_prefix_tokens
                maps.append((patches, prefix) if with_prefix else patches)
        return maps if intermediates_only else (self.norm(tokens), maps)

    def get_intermediate_layers(
        self,
        x: Tensor,
        n: int | list[int] | tuple[int] = 1,
        reshape: bool = False,
        return_prefix_tokens: bool = False,
        norm: bool = False,
    ) -> list:
        """Outputs of the last `n` layers, or of layers `n`: DINO's interface, as timm has it."""
        return self.forward_intermediates(
            x,
            n,
            return_prefix_tokens=return_prefix_tokens,
            norm=norm,
            output_fmt="NCHW" if reshape else "NLC",
            intermediates_only=True,
        )

    def _split(self, tokens: Tensor, images: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Tokens (B, N, C) to patches and prefix tokens; with `images`, the patches as a map (B, C, h, w)."""
        prefix, patches = tokens[:, : self.num_prefix_tokens], tokens[:, self.num_prefix_tokens :]
        if images is not None:
            grid = self.patch_embed.dynamic_feat_size(images.shape[-2:])
            patches = patches.transpose(1, 2).unflatten(-1, grid).contiguous()
        return patches, prefix
