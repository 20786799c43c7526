"""The published depth models in plain torch, from tensors by their authors' names: the reference of the parity tests.

Written from the authors' code (DepthAnything/Depth-Anything-V2, ByteDance-Seed/Depth-Anything-3, isl-org/DPT and
isl-org/MiDaS), with functions of torch alone; nothing of depthkit is used.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Size:
    """The numbers of an architecture: channels, layers, heads, taps, widths of the levels, width of the fusion."""

    dim: int
    depth: int
    heads: int
    taps: tuple[int, ...]
    widths: tuple[int, ...]
    fusion: int


NARROW = Size(48, 4, 3, (0, 1, 2, 3), (8, 16, 24, 32), 16)
SMALL = Size(384, 12, 6, (2, 5, 8, 11), (48, 96, 192, 384), 64)
BASE = Size(768, 12, 12, (2, 5, 8, 11), (96, 192, 384, 768), 128)
LARGE = Size(1024, 24, 16, (4, 11, 17, 23), (256, 512, 1024, 1024), 256)


# The tensors that a file holds, by name.


def depth_anything_shapes(size: Size) -> dict[str, tuple[int, ...]]:
    """Those of a ``depth_anything*_vit*.pth``, versions 1 and 2."""
    shapes = {
        "pretrained.mask_token": (1, size.dim),
        **_vit_shapes("pretrained.", size, patch=14, table=37, scale=True),
    }
    return shapes | _depth_anything_head("depth_head.", size, units=4)


def depth_anything_3_shapes(size: Size) -> dict[str, tuple[int, ...]]:
    """Those of the ``model.safetensors`` of DA3MONO-LARGE and DA3METRIC-LARGE."""
    shapes = _vit_shapes("model.backbone.pretrained.", size, patch=14, table=37, scale=True)
    shapes |= _depth_anything_head("model.head.", size, units=3)
    shapes |= _conv("model.head.scratch.sky_output_conv2.0.", size.fusion // 2, 32, 3)
    return shapes | _conv("model.head.scratch.sky_output_conv2.2.", 32, 1, 1)


def dpt_shapes(size: Size) -> dict[str, tuple[int, ...]]:
    """Those of ``dpt_large*.pt``."""
    shapes = _vit_shapes("pretrained.model.", size, patch=16, table=24, scale=False)
    shapes |= {"pretrained.model.head.weight": (1000, size.dim), "pretrained.model.head.bias": (1000,)}
    for n, width in enumerate(size.widths, 1):
        start = f"pretrained.act_postprocess{n}."
        shapes |= _pair(f"{start}0.project.0.", (size.dim, 2 * size.dim), size.dim)
        shapes |= _conv(f"{start}3.", size.dim, width, 1) | _resizing(f"{start}4.", n, width)
    shapes |= _scratch("scratch.", size, units=4)
    shapes |= _conv("scratch.output_conv.0.", size.fusion, size.fusion // 2, 3)
    shapes |= _conv("scratch.output_conv.2.", size.fusion // 2, 32, 3)
    return shapes | _conv("scratch.output_conv.4.", 32, 1, 1)


def random_weights(shapes: Mapping[str, Sequence[int]], lift: float = 0.1) -> dict[str, Tensor]:
    """Draw tensors with which all layers matter and the output varies over the image; also for other namings.

    `lift` moves the output up, for a ReLU behind it; 0 keeps it where a sigmoid or an exponential function varies.
    """
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for name, shape in shapes.items():
        noise = torch.randn(*shape, generator=generator)
        if "token" in name or "pos" in name.rpartition(".")[2]:
            weights[name] = 0.5 * noise
        elif len(shape) > 1:
            transposed = len(shape) == 4 and shape[2] in (2, 4)  # its kernel's places do not add up
            weights[name] = noise * (1.3 / math.sqrt(shape[0] if transposed else math.prod(shape[1:])))
            if shape[0] == 1:  # the last convolution
                weights[name] = 0.1 * (weights[name] + lift)
        elif name.endswith("bias"):
            weights[name] = 0.1 * noise + 10 * lift * (len(noise) == 1)
        else:  # the factors of norms and of LayerScale
            weights[name] = 1 + 0.2 * noise
    return weights


def _pair(start: str, shape: tuple[int, ...], out: int) -> dict[str, tuple[int, ...]]:
    return {f"{start}weight": shape, f"{start}bias": (out,)}


def _conv(start: str, into: int, out: int, kernel: int) -> dict[str, tuple[int, ...]]:
    return _pair(start, (out, into, kernel, kernel), out)


def _resizing(start: str, level: int, width: int) -> dict[str, tuple[int, ...]]:
    kernel = {1: 4, 2: 2, 4: 3}.get(level)
    return _conv(start, width, width, kernel) if kernel else {}


def _vit_shapes(start: str, size: Size, patch: int, table: int, scale: bool) -> dict[str, tuple[int, ...]]:
    dim = size.dim
    shapes = {f"{start}cls_token": (1, 1, dim), f"{start}pos_embed": (1, table * table + 1, dim)}
    shapes |= _conv(f"{start}patch_embed.proj.", 3, dim, patch)
    for i in range(size.depth):
        block = f"{start}blocks.{i}."
        shapes |= _pair(f"{block}norm1.", (dim,), dim) | _pair(f"{block}norm2.", (dim,), dim)
        shapes |= _pair(f"{block}attn.qkv.", (3 * dim, dim), 3 * dim) | _pair(f"{block}attn.proj.", (dim, dim), dim)
        shapes |= _pair(f"{block}mlp.fc1.", (4 * dim, dim), 4 * dim) | _pair(f"{block}mlp.fc2.", (dim, 4 * dim), dim)
        shapes |= {f"{block}ls{n}.gamma": (dim,) for n in (1, 2) if scale}
    return shapes | _pair(f"{start}norm.", (dim,), dim)


def _depth_anything_head(start: str, size: Size, units: int) -> dict[str, tuple[int, ...]]:
    shapes = {}
    for i, width in enumerate(size.widths):
        shapes |= _conv(f"{start}projects.{i}.", size.dim, width, 1)
        shapes |= _resizing(f"{start}resize_layers.{i}.", i + 1, width)
    shapes |= _scratch(f"{start}scratch.", size, units)
    shapes |= _conv(f"{start}scratch.output_conv1.", size.fusion, size.fusion // 2, 3)
    shapes |= _conv(f"{start}scratch.output_conv2.0.", size.fusion // 2, 32, 3)
    return shapes | _conv(f"{start}scratch.output_conv2.2.", 32, 1, 1)


def _scratch(start: str, size: Size, units: int) -> dict[str, tuple[int, ...]]:
    """Return the fusion's tensors; `units` of its four blocks have a unit for a second input."""
    shapes = {f"{start}layer{n}_rn.weight": (size.fusion, width, 3, 3) for n, width in enumerate(size.widths, 1)}
    for n in range(1, 5):
        block = f"{start}refinenet{n}."
        shapes |= _conv(f"{block}out_conv.", size.fusion, size.fusion, 1)
        for unit in (1, 2) if n <= units else (2,):
            for conv in (1, 2):
                shapes |= _conv(f"{block}resConfUnit{unit}.conv{conv}.", size.fusion, size.fusion, 3)
    return shapes


# The models: normalised images (B, 3, H, W) to (B, H, W).


def depth_anything(weights: dict[str, Tensor], images: Tensor, size: Size, max_depth: float | None = None) -> Tensor:
    """Depth-Anything 1 and 2: disparity, or with `max_depth` metres."""
    maps = _dino_maps(weights, "pretrained.", images, size, eps=1e-6)
    logits = _decode(weights, "depth_head.", maps, images.shape[-2:])[0]
    return logits.relu() if max_depth is None else logits.sigmoid() * max_depth


def depth_anything_3(weights: dict[str, Tensor], images: Tensor, size: Size) -> Tensor:
    """DA3MONO-LARGE and DA3METRIC-LARGE, one image with 100,000 pixels that are not sky at most."""
    maps = _dino_maps(weights, "model.backbone.pretrained.", images, size, eps=1e-5)
    logits, sky = _decode(weights, "model.head.", maps, images.shape[-2:])
    depth, not_sky = logits.exp(), sky.relu() < 0.3
    if not_sky.sum() > 10 and (~not_sky).sum() > 10:
        assert not_sky.sum() <= 100_000 and len(images) == 1
        depth[~not_sky] = torch.quantile(depth[not_sky], 0.99)
    return depth


def dpt(weights: dict[str, Tensor], images: Tensor, size: Size) -> Tensor:
    """DPT-Large: disparity."""
    grid = (images.shape[-2] // 16, images.shape[-1] // 16)
    tokens = _vit(weights, "pretrained.model.", images, size, 16, dpt_positions, eps=1e-6)
    levels = []
    for n, one in enumerate(tokens, 1):
        start = f"pretrained.act_postprocess{n}."
        patches, readout = one[:, 1:], one[:, :1].expand_as(one[:, 1:])
        merged = F.gelu(_linear(weights, f"{start}0.project.0.", torch.cat([patches, readout], dim=-1)))
        level = _convolve(weights, f"{start}3.", _as_map(merged, grid))
        levels.append(_change_size(weights, f"{start}4.", level, n))
    x = _convolve(weights, "scratch.output_conv.0.", _fuse(weights, "scratch.", levels))
    x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
    x = _convolve(weights, "scratch.output_conv.2.", x).relu()
    return _convolve(weights, "scratch.output_conv.4.", x).relu()[:, 0]


def dino_positions(table: Tensor, grid: tuple[int, int]) -> Tensor:
    """Resample a table (1, 1 + M * M, C) as the authors of DINOv2 and of Depth-Anything do."""
    side = math.isqrt(table.shape[1] - 1)
    if grid == (side, side):
        return table
    patches = table[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    factors = ((grid[0] + 0.1) / side, (grid[1] + 0.1) / side)
    patches = F.interpolate(patches, scale_factor=factors, mode="bicubic", antialias=False)
    assert patches.shape[-2:] == grid
    return torch.cat([table[:, :1], patches.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


def dpt_positions(table: Tensor, grid: tuple[int, int]) -> Tensor:
    """Resample a table (1, 1 + M * M, C) as the authors of DPT do."""
    side = math.isqrt(table.shape[1] - 1)
    patches = table[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    patches = F.interpolate(patches, size=grid, mode="bilinear", align_corners=False)
    return torch.cat([table[:, :1], patches.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


def _linear(weights: dict[str, Tensor], start: str, x: Tensor) -> Tensor:
    return F.linear(x, weights[f"{start}weight"], weights[f"{start}bias"])


def _convolve(weights: dict[str, Tensor], start: str, x: Tensor, stride: int = 1) -> Tensor:
    kernel = weights[f"{start}weight"]
    return F.conv2d(x, kernel, weights.get(f"{start}bias"), stride=stride, padding=kernel.shape[-1] // 2)


def _as_map(tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    return tokens.permute(0, 2, 1).reshape(tokens.shape[0], tokens.shape[2], *grid)


def _vit(weights, start, images, size, patch, positions, eps) -> list[Tensor]:
    """Return the tokens (B, 1 + N, C) after each of the tapped layers."""

    def norm(name: str, x: Tensor) -> Tensor:
        return F.layer_norm(x, (size.dim,), weights[f"{name}weight"], weights[f"{name}bias"], eps)

    kernel, bias = weights[f"{start}patch_embed.proj.weight"], weights[f"{start}patch_embed.proj.bias"]
    embedded = F.conv2d(images, kernel, bias, stride=patch)
    grid = tuple(embedded.shape[-2:])
    token = weights[f"{start}cls_token"].expand(len(images), -1, -1)
    x = torch.cat([token, embedded.flatten(2).transpose(1, 2)], dim=1)
    x = x + positions(weights[f"{start}pos_embed"], grid)
    taken = []
    for i in range(size.depth):
        block = f"{start}blocks.{i}."
        qkv = _linear(weights, f"{block}attn.qkv.", norm(f"{block}norm1.", x))
        q, k, v = qkv.unflatten(-1, (3, size.heads, -1)).permute(2, 0, 3, 1, 4)
        attention = (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).softmax(dim=-1)
        update = _linear(weights, f"{block}attn.proj.", (attention @ v).transpose(1, 2).flatten(2))
        x = x + update * weights.get(f"{block}ls1.gamma", 1.0)
        hidden = F.gelu(_linear(weights, f"{block}mlp.fc1.", norm(f"{block}norm2.", x)))
        x = x + _linear(weights, f"{block}mlp.fc2.", hidden) * weights.get(f"{block}ls2.gamma", 1.0)
        if i in size.taps:
            taken.append(x)
    return taken


def _dino_maps(weights, start, images, size, eps) -> list[Tensor]:
    grid = (images.shape[-2] // 14, images.shape[-1] // 14)
    tokens = _vit(weights, start, images, size, 14, dino_positions, eps)
    scale, shift = weights[f"{start}norm.weight"], weights[f"{start}norm.bias"]
    return [_as_map(F.layer_norm(one, (size.dim,), scale, shift, eps)[:, 1:], grid) for one in tokens]


def _change_size(weights, start, x, level) -> Tensor:
    """Apply the second step of reassembling to the map of a level, 1 (fine) to 4 (coarse)."""
    if level == 3:
        return x
    if level == 4:
        return _convolve(weights, start, x, stride=2)
    stride = {1: 4, 2: 2}[level]
    return F.conv_transpose2d(x, weights[f"{start}weight"], weights[f"{start}bias"], stride=stride)


def _decode(weights, start, maps, size) -> tuple[Tensor, Tensor | None]:
    """Return what comes before the activation, (B, H, W), of the depth and of the sky."""
    levels = []
    for i, one in enumerate(maps):
        projected = _convolve(weights, f"{start}projects.{i}.", one)
        levels.append(_change_size(weights, f"{start}resize_layers.{i}.", projected, i + 1))
    x = _convolve(weights, f"{start}scratch.output_conv1.", _fuse(weights, f"{start}scratch.", levels))
    x = F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=True)
    both = []
    for name in ("output_conv2", "sky_output_conv2"):
        if f"{start}scratch.{name}.0.weight" in weights:
            hidden = _convolve(weights, f"{start}scratch.{name}.0.", x).relu()
            both.append(_convolve(weights, f"{start}scratch.{name}.2.", hidden)[:, 0])
    return both[0], both[1] if len(both) > 1 else None


def _fuse(weights, start, levels) -> Tensor:
    def unit(name: str, x: Tensor) -> Tensor:
        return x + _convolve(weights, f"{name}.conv2.", _convolve(weights, f"{name}.conv1.", x.relu()).relu())

    adapted = [_convolve(weights, f"{start}layer{n}_rn.", level) for n, level in enumerate(levels, 1)]
    path = None
    for n in (4, 3, 2, 1):
        block = f"{start}refinenet{n}"
        x = adapted[n - 1] if path is None else path + unit(f"{block}.resConfUnit1", adapted[n - 1])
        x = unit(f"{block}.resConfUnit2", x)
        wanted = adapted[n - 2].shape[-2:] if n > 1 else (2 * x.shape[-2], 2 * x.shape[-1])
        x = F.interpolate(x, size=tuple(wanted), mode="bilinear", align_corners=True)
        path = _convolve(weights, f"{block}.out_conv.", x)
    return path
