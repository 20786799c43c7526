"""The DPT decoder: four maps of a backbone to one depth map, in a compact and in the original form."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from pydantic import Field
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.models.heads.sky import fill_sky
from depthkit.registry import MODELS
from depthkit.utils.validation import Count, NotNegative, Positive, validate_arguments

ReadoutMode = Literal["ignore", "add", "project"]
Activation = Literal["range", "relu", "exp"]

_HIDDEN = 32  # channels of the original form's last convolution but one


class Readout(nn.Module):
    """Merge the class token into every patch: not at all, by addition, or by projection (DPT, 3.1)."""

    def __init__(self, mode: ReadoutMode, channels: int) -> None:
        super().__init__()
        self.mode = mode
        if mode == "project":
            self.project = nn.Sequential(nn.Conv2d(2 * channels, channels, 1), nn.GELU())

    def forward(self, features: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        """Turn a map (B, C, h, w), or a pair of it and prefix tokens (B, P, C), into a map (B, C, h, w)."""
        with_prefix = not isinstance(features, Tensor)
        if self.mode == "ignore":
            return features[0] if with_prefix else features
        if not with_prefix:
            raise InputError(
                f"readout={self.mode!r}: the backbone gives maps without a class token; use readout='ignore'"
            )
        patches, prefix = features
        token = prefix[:, 0, :, None, None]
        if self.mode == "add":
            return patches + token
        return self.project(torch.cat([patches, token.expand_as(patches)], dim=1))


class ResidualUnit(nn.Module):
    """Two 3x3 convolutions with a skip connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Turn a map (B, C, h, w) into another of this shape."""
        return x + self.convs(x)


def resample(in_channels: int, channels: int, scale: float) -> nn.Module:
    """Project a map to `channels` and change its size by `scale`, a power of two (DPT's reassemble step)."""
    project = nn.Conv2d(in_channels, channels, 1)
    if scale == 1:
        return project
    if scale > 1:
        return nn.Sequential(project, nn.ConvTranspose2d(channels, channels, int(scale), stride=int(scale)))
    return nn.Sequential(project, nn.Conv2d(channels, channels, 3, stride=round(1 / scale), padding=1))


@MODELS.register_module()
class DPTHead(BaseModule):
    """Dense prediction transformer decoder (Ranftl et al., ICCV 2021), in two forms.

    In both each map is merged with the class token, resampled, and fused from coarse to fine. The coarse path takes
    the size of the finer map at every step, so any grid works.

    The compact form (without `level_channels`) has one width, no convolution after resizing, and decides at twice the
    size of the finest map. The original form, which DPT, MiDaS 3 and Depth-Anything 1 to 3 share, has a width for each
    level, a 3x3 convolution to the common one, a 1x1 convolution after each resizing, corners aligned in resizing,
    and decides at the size of the image.

    Args:
        in_channels: channels of each of the backbone's maps, fine to coarse.
        channels: width of the decoder; 64 suits tiny and small backbones.
        scales: by how much each map is resampled. (4, 2, 1, 0.5) makes a pyramid of a plain ViT's maps;
            (1, 1, 1, 1) is for backbones that give one.
        readout: ``ignore``, ``add`` or ``project`` the class token.
        level_channels: the original form, and its width at each level; None: the compact form.
        activation: the last step to the output: ``range``: a sigmoid between `min_depth` and `max_depth`;
            ``relu``: 0 or more; ``exp``: above 0.
        sky: a second output marks the sky, which gets the depth of the farthest pixels (`fill_sky`; in evaluation
            only); for the original form with ``exp`` (Depth-Anything-3).
        min_depth, max_depth: range of the output with ``range`` [m], and of the ground truth that is learnt.
        losses: configs of losses, each a module ``(pred, gt, valid) -> scalar`` with an attribute ``name``.

    Raises:
        InputError: an argument is wrong.
    """

    @validate_arguments
    def __init__(
        self,
        in_channels: Sequence[Count],
        channels: Annotated[Count, Field(ge=2)] = 64,
        scales: Sequence[Positive] = (4, 2, 1, 0.5),
        readout: ReadoutMode = "project",
        level_channels: Sequence[Count] | None = None,
        activation: Activation = "range",
        sky: bool = False,
        min_depth: NotNegative = 1e-3,
        max_depth: Positive = 10.0,
        losses: Annotated[Sequence[dict], Field(min_length=1)] = (dict(type="ScaleInvariantLogLoss"),),
    ) -> None:
        super().__init__()
        if min_depth >= max_depth:
            raise InputError(f"min_depth={min_depth}, max_depth={max_depth}: expected min_depth < max_depth [m]")
        for name, values in (("scales", scales), ("level_channels", level_channels or in_channels)):
            if len(in_channels) != len(values):
                raise InputError(f"in_channels={tuple(in_channels)}: expected one for each of {name}={tuple(values)}")
        if sky and (level_channels is None or activation != "exp"):
            raise InputError("sky=True: expected level_channels and activation='exp' with it, as in Depth-Anything-3")
        self.in_channels = tuple(in_channels)
        self.min_depth, self.max_depth = min_depth, max_depth
        self.activation = activation
        self.is_original = level_channels is not None
        widths = level_channels or [channels] * len(in_channels)
        self.readouts = nn.ModuleList(Readout(readout, c) for c in in_channels)
        self.resamples = nn.ModuleList(resample(c, w, s) for c, w, s in zip(in_channels, widths, scales, strict=True))
        self.laterals = nn.ModuleList(ResidualUnit(channels) for _ in in_channels[:-1])
        self.fusions = nn.ModuleList(ResidualUnit(channels) for _ in in_channels)
        if self.is_original:
            self.adapters = nn.ModuleList(nn.Conv2d(w, channels, 3, padding=1, bias=False) for w in widths)
            self.out_convs = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in widths)
            self.reduce = nn.Conv2d(channels, channels // 2, 3, padding=1)
            self.head = _output(channels // 2, _HIDDEN)
        else:
            self.head = _output(channels, channels // 2)
        self.sky_head = _output(channels // 2, _HIDDEN) if sky else None
        if activation == "range":
            # Training starts from a quarter of the range, about the mean of an indoor image, not from its middle.
            nn.init.constant_(self.head[-1].bias, -math.log(3))
        self.losses = nn.ModuleList(MODELS.build(loss) for loss in losses)

    def forward(self, features: Sequence, size: tuple[int, int]) -> Tensor:
        """Decode maps to depth, or to what else the decoder was trained to give.

        Args:
            features: for each level a map (B, C, h, w), or that and prefix tokens (B, P, C).
            size: (height, width) [px] of the image that the maps cover.

        Returns:
            (B, 1, height, width), float32, in the range of the activation: [m] with ``range``.

        Raises:
            InputError: the number of maps or of their channels is another than `in_channels` says, or a readout needs
                a class token that the backbone does not give.
        """
        if len(features) != len(self.readouts):
            raise InputError(f"the backbone gives {len(features)} maps; expected {len(self.readouts)}: see out_indices")
        given = tuple((level if isinstance(level, Tensor) else level[0]).shape[1] for level in features)
        if given != self.in_channels:
            raise InputError(f"decode_head: in_channels={self.in_channels}: expected {given}, the channels of the maps")
        levels = [convert(read(f)) for read, convert, f in zip(self.readouts, self.resamples, features, strict=True)]
        if not self.is_original:
            # The range is applied in float32: half precision has steps of 8 mm at 10 m.
            return self._activate(self._resize(self.head(self._fuse(levels)).float(), size))
        levels = [adapt(level) for adapt, level in zip(self.adapters, levels, strict=True)]
        x = self._resize(self.reduce(self._fuse(levels)), size)
        depth = self._activate(self.head(x).float())
        if self.sky_head is None or self.training:
            return depth
        return fill_sky(depth, self.sky_head(x).float().relu())

    def loss(self, depth: Tensor, gt: Tensor) -> dict[str, Tensor]:
        """Compare depth (B, 1, H, W) [m] with a ground truth (B, 1, H, W) [m] that lies in the range.

        Returns:
            ``loss_<name>`` for each of the losses. In the ground truth 0, NaN and inf stand for a missing measurement.
        """
        valid = torch.isfinite(gt) & (gt > self.min_depth) & (gt < self.max_depth)
        return {f"loss_{loss.name}": loss(depth, gt, valid) for loss in self.losses}

    def _fuse(self, levels: list[Tensor]) -> Tensor:
        """Fuse maps (B, C, h, w), fine to coarse, to one of twice the size of the finest."""
        x = None
        for i in reversed(range(len(levels))):
            x = self.fusions[i](levels[i] if x is None else self.laterals[i](levels[i]) + x)
            x = self._resize(x, levels[i - 1].shape[-2:] if i else (2 * x.shape[-2], 2 * x.shape[-1]))
            x = self.out_convs[i](x) if self.is_original else x
        return x

    def _activate(self, x: Tensor) -> Tensor:
        if self.activation == "range":
            return self.min_depth + (self.max_depth - self.min_depth) * x.sigmoid()
        return x.relu() if self.activation == "relu" else x.exp()

    def _resize(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=self.is_original)


def _output(channels: int, hidden: int) -> nn.Sequential:
    """Build the last convolutions, to one channel."""
    return nn.Sequential(nn.Conv2d(channels, hidden, 3, padding=1), nn.ReLU(), nn.Conv2d(hidden, 1, 1))
