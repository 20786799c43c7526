"""The classification head: tokens to logits."""

from pathlib import Path
from typing import Literal

import torch.nn.functional as F
from timm.loss import SoftTargetCrossEntropy
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.models.backbones import DeiT
from depthkit.models.weights import load_backbone
from depthkit.registry import MODELS
from depthkit.utils.validation import Count, validate_arguments


@MODELS.register_module()
class ClsHead(nn.Module):
    """Logits from the normalised tokens after the last layer; timm's state-dict keys.

    Args:
        in_channels: channels C of a token.
        num_classes: how many classes.
        readout: ``class_token``; ``distilled``: the distillation token has a classifier of its own, and the two
            are averaged (DeiT's distilled models); ``mean``: of all tokens but the prefix ones.

    Raises:
        InputError: an argument is wrong.
    """

    @validate_arguments
    def __init__(
        self,
        in_channels: Count,
        num_classes: Count = 1000,
        readout: Literal["class_token", "distilled", "mean"] = "class_token",
    ) -> None:
        super().__init__()
        self.readout = readout
        self.num_classes = num_classes
        self.head = nn.Linear(in_channels, num_classes)
        if readout == "distilled":
            self.head_dist = nn.Linear(in_channels, num_classes)
        for layer in self.children():  # as DeiT's
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, tokens: Tensor, num_prefix: int) -> Tensor:
        """Turn tokens (B, N, C), `num_prefix` of them before the patches, into logits (B, classes)."""
        logits = self.both(tokens, num_prefix)
        return logits[0] if len(logits) == 1 else (logits[0] + logits[1]) / 2

    def both(self, tokens: Tensor, num_prefix: int) -> tuple[Tensor, ...]:
        """Return the logits (B, classes) of the class token and, if distilled, of the distillation token."""
        if self.readout == "mean":
            return (self.head(tokens[:, num_prefix:].mean(dim=1)),)
        if self.readout == "class_token":
            return (self.head(tokens[:, 0]),)
        return self.head(tokens[:, 0]), self.head_dist(tokens[:, 1])

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the mean cross entropy; `target` holds classes (B,) or probabilities (B, classes)."""
        if target.ndim == 1:
            return F.cross_entropy(logits, target)
        return SoftTargetCrossEntropy()(logits, target)

    def load_timm(self, weights: dict[str, Tensor], source: str) -> None:
        """Take a classifier's weights, by timm's names ``head.*`` and ``head_dist.*``.

        Args:
            weights: by name.
            source: where they come from; for the message.

        Raises:
            InputError: they belong to another number of classes, or another kind of head.
        """
        own = self.state_dict()
        if weights.keys() != own.keys() or any(weights[key].shape != own[key].shape for key in own):
            there = ", ".join(f"{key} {tuple(value.shape)}" for key, value in sorted(weights.items())) or "none"
            raise InputError(
                f"{source}: its classifier ({there}) does not fit a head of {self.num_classes} classes with readout "
                f"'{self.readout}'; give the number of classes it was trained with, or start the head anew with "
                "new_head=True"
            )
        self.load_state_dict(weights)


def check_readout(head: ClsHead, backbone: nn.Module) -> None:
    """Raise InputError unless `backbone` gives the normalised tokens that `head` reads."""
    if not isinstance(backbone, DeiT):
        raise InputError(
            f"backbone: {type(backbone).__name__} gives no tokens to classify; expected a DeiT, ToSA, EViT or another "
            "backbone of depthkit's"
        )
    if backbone.num_classes:
        raise InputError(
            f"backbone: has a classifier of its own (num_classes={backbone.num_classes}); leave it to cls_head, with "
            "num_classes=0"
        )
    if not isinstance(backbone.fc_norm, nn.Identity):
        raise InputError("backbone: normalises after pooling; give it fc_norm=False, because cls_head takes its tokens")
    needed = {"class_token": 1, "distilled": 2, "mean": 0}[head.readout]
    if backbone.num_prefix_tokens < needed or (needed == 2) != bool(backbone.distilled):
        raise InputError(
            f"cls_head: readout='{head.readout}' does not go with a backbone of {backbone.num_prefix_tokens} prefix "
            f"tokens, distilled={backbone.distilled}; expected readout='distilled' for distilled=True only"
        )


def load_backbone_and_head(backbone: nn.Module, head: ClsHead, pretrained: bool | str | Path, new_head: bool) -> None:
    """Load a classifier's weights, timm's or ours, into a backbone and its head.

    Every key must fit.

    Args:
        backbone: a DeiT, ToSA or EViT without a classifier.
        head: takes the file's classifier, unless `new_head`.
        pretrained: as `load_backbone`'s.
        new_head: leave the head as it is.

    Raises:
        InputError: as `load_backbone`, and when the file's classifier does not fit the head.
    """
    classifier = load_backbone(backbone, pretrained, backbone.hub_name, optional=("selector",))
    if not new_head:
        head.load_timm(classifier, f"timm's {backbone.hub_name}" if pretrained is True else str(pretrained))
