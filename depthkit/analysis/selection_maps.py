"""Show which patches of an image the layers of a model attend to (as figure 4 of the ToSA paper)."""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from depthkit.errors import InputError
from depthkit.models import EViT, ToSA
from depthkit.models.layers.patch_counts import fraction_of
from depthkit.models.weights import load_backbone
from depthkit.utils.device import select_device
from depthkit.utils.image_files import check_not_inputs, unique_stems
from depthkit.utils.io import read_rgb, write_rgb
from depthkit.utils.output_file import check_file_name
from depthkit.utils.output_folder import make_output_folder
from depthkit.visualization.panels import resize_to_height
from depthkit.visualization.token_map import draw_token_maps

if TYPE_CHECKING:
    from mmengine.config import Config

FIGURE_LAYERS = (2, 6, 10)  # those of the paper's figure 4, counted from 1
_PANEL_HEIGHT = 336  # [px], at least: patches of a 224 px image are too small to look at
_MAX_PIXELS = 2**22  # of the network's input: some 16,000 patches, and a drawing of it for each layer and head


class SelectionViewer:
    """A ToSA or EViT backbone that draws which patches it attends to.

    `viewer_of_weights` and `viewer_of_config` make one.

    Args:
        backbone: in evaluation mode.
        prepare: turns an image, uint8 RGB (H, W, 3), and its name into the backbone's normalised input (1, 3, H', W').
        mean: of that normalisation, three numbers for values from 0 to 255.
        std: likewise.
        metadata: what is known of the model, such as its name and licence; goes into the files of `save_token_maps`.

    Raises:
        InputError: the backbone is of another kind, which attends all tokens.
    """

    def __init__(
        self,
        backbone: ToSA | EViT,
        prepare: Callable[[np.ndarray, Path | str], Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        if not isinstance(backbone, ToSA | EViT):
            raise InputError(f"{type(backbone).__name__}: attends every token in every layer; expected a ToSA or EViT")
        self.backbone = backbone
        self.prepare = prepare
        self.metadata = dict(metadata or {})
        self._mean = torch.as_tensor(mean).view(3, 1, 1).cpu()
        self._std = torch.as_tensor(std).view(3, 1, 1).cpu()

    def draw(self, image: np.ndarray, layers: Sequence[int] | Literal["all"] | None = None) -> np.ndarray:
        """Draw the image, and beside it one copy per layer in which bypassed (EViT: removed) patches are dark.

        If every head has its own set of patches, each head gets a row, below a row of the patches that any head
        attends: a token bypasses the layer if no head attends it.

        Args:
            image: uint8 RGB (H, W, 3).
            layers: counted from 1; None: layers 2, 6 and 10 of a ToSA, or where not all of these select tokens the
                first, middle and last that does; all layers of an EViT that remove patches.

        Returns:
            uint8 RGB (H', W', 3); the image as the backbone sees it, padding or cropping included.

        Raises:
            InputError: a layer is not token selective.
        """
        return self.draw_input(self.prepare(image, "image"), layers)

    @torch.inference_mode()
    def draw_input(self, inputs: Tensor, layers: Sequence[int] | Literal["all"] | None = None) -> np.ndarray:
        """Draw as `draw` does, from what `prepare` made of an image: (1, 3, H', W')."""
        maps = selection_maps(self.backbone, inputs.to(self.backbone.pos_embed.device))
        layers = self._chosen(layers, list(maps))
        seen = (inputs[0].cpu() * self._std + self._mean).clamp(0, 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        seen = resize_to_height(seen, max(_PANEL_HEIGHT, seen.shape[0]), smooth=True)
        sets = len(maps[layers[0]])
        rows = [("", [maps[layer].any(axis=0) for layer in layers])]
        if sets > 1:
            rows = [(", any head", rows[0][1])]
            rows += [(f", head {head + 1}", [maps[layer][head] for layer in layers]) for head in range(sets)]
        drawings = []
        for name, grids in rows:
            titles = [f"layer {i}{name}: {g.sum()} of {g.size}" for i, g in zip(layers, grids, strict=True)]
            drawings.append(draw_token_maps(seen, grids, titles))
        return np.concatenate(drawings)

    def _chosen(self, layers: Sequence[int] | Literal["all"] | None, known: list[int]) -> list[int]:
        """Return the layers to draw, out of those `known` to select tokens."""
        if not known:
            raise InputError("no layer of this model leaves a token out; give a lower keep_rate")
        if layers == "all":
            return known
        if layers is None:
            if isinstance(self.backbone, EViT):
                return known
            some = {known[0], known[len(known) // 2], known[-1]}
            return sorted(FIGURE_LAYERS if set(FIGURE_LAYERS) <= set(known) else some)
        for layer in layers:
            if layer not in known:
                listed = ", ".join(map(str, known))
                raise InputError(f"layer {layer}: every token goes through it; layers that leave some out: {listed}")
        return list(layers)


@torch.inference_mode()
def selection_maps(backbone: ToSA | EViT, image: Tensor) -> dict[int, np.ndarray]:
    """Find the patches that go through each token-selective layer.

    Args:
        backbone: in evaluation mode.
        image: normalised (1, 3, H, W).

    Returns:
        By layer, counted from 1, boolean (heads or 1, grid_h, grid_w): for a ToSA the patches that attend, for an EViT
        those that the layer keeps (fused ones do not count).
    """
    if isinstance(backbone, ToSA):
        _, selection = backbone.forward_features(image, return_selection=True)
        maps = zip(backbone.selective_layers, selection, strict=True)
        return {layer + 1: attended[0].cpu().numpy() for layer, attended in maps}
    grid = backbone.patch_embed.dynamic_feat_size(image.shape[-2:])
    _, kept = backbone.forward_features(image, return_indices=True)
    maps = {}
    for layer, index in zip(_removing_layers(backbone, grid[0] * grid[1]), kept, strict=True):
        patches = torch.zeros(grid[0] * grid[1], dtype=torch.bool)
        patches[index[0][index[0] >= 0].cpu()] = True
        maps[layer] = patches.view(1, *grid).numpy()
    return maps


def viewer_of_weights(
    weights: str | Path,
    model: str = "tosa",
    size: str = "tiny",
    keep_rate: float = 0.5,
    selection: str | None = None,
    img_size: int = 224,
    device: str = "auto",
) -> SelectionViewer:
    """Make a viewer of the backbone of a pretrained classifier.

    Images are resized to a shorter side of `img_size` [px] (bicubic) and cropped to multiples of the patch.

    Args:
        weights: of a DeiT of that size or of the model itself, .pth or .safetensors.
        model: ``tosa`` or ``evit``.
        size: ``tiny``, ``small`` or ``base``.
        keep_rate: fraction of the patches to attend (ToSA) or keep (EViT).
        selection: of a ToSA: ``shared`` or ``per_head``; an EViT has none.
        img_size: [px].
        device: see `depthkit.utils.device.select_device`.

    Raises:
        InputError: an argument is out of range, the weights do not fit, or there is no such device.
    """
    import timm
    from torchvision.transforms import v2

    name = f"{model}_deit_{size}_patch16_224"
    arguments = {} if selection is None else {"selection": selection}
    backbone = timm.create_model(name, num_classes=0, keep_rate=keep_rate, **arguments).eval()
    load_backbone(backbone, weights, name, optional=("selector",))
    patch = backbone.patch_embed.patch_size[0]
    if img_size < patch:
        raise InputError(f"image size {img_size}: expected {patch} px, the side of a patch, or more")
    mean, std = ([255 * value for value in backbone.default_cfg[key]] for key in ("mean", "std"))
    resize = v2.Resize(img_size, interpolation=v2.InterpolationMode.BICUBIC, antialias=True)
    normalize = v2.Compose([v2.ToDtype(torch.float32), v2.Normalize(mean, std)])

    def prepare(image: np.ndarray, name: Path | str) -> Tensor:
        height, width = image.shape[:2]
        scale = img_size / min(height, width)
        _check_pixels(round(height * scale), round(width * scale), image.shape, name)
        resized = resize(torch.from_numpy(image).permute(2, 0, 1))
        sides = [side // patch * patch for side in resized.shape[-2:]]
        return normalize(v2.functional.center_crop(resized, sides))[None]

    return SelectionViewer(backbone.to(select_device(device)), prepare, mean, std)


def viewer_of_config(
    config: "Config | str | Path", checkpoint: str | Path | None = None, device: str = "auto"
) -> SelectionViewer:
    """Make a viewer of a trained depth model's backbone; images go through its `test_pipeline`.

    Args:
        config: see `DepthPredictor`; without a `checkpoint` the path of one that carries its config.
        checkpoint: path of the weights.
        device: see `depthkit.utils.device.select_device`.

    Raises:
        InputError: the config, the checkpoint or the device cannot be used.
    """
    from depthkit.apis.predictor import DepthPredictor

    predictor = DepthPredictor(config, checkpoint, device)
    model = predictor.model

    def prepare(image: np.ndarray, name: Path | str) -> Tensor:
        inputs = model.pad(predictor.preprocess(image)["inputs"])
        _check_pixels(*inputs.shape[-2:], image.shape, name)
        return inputs

    # Without normalisation in the config there are no such buffers.
    mean = getattr(model.data_preprocessor, "mean", torch.zeros(3))
    std = getattr(model.data_preprocessor, "std", torch.ones(3))
    return SelectionViewer(model.backbone, prepare, mean, std, predictor.metadata)


def save_token_maps(
    viewer: SelectionViewer,
    images: Sequence[Path],
    out_dir: str | Path,
    layers: Sequence[int] | Literal["all"] | None = None,
) -> dict[Path, Path]:
    """Draw the token maps of images and save them as NAME_tokens.png, with a progress bar on a terminal.

    The viewer's metadata go into their text chunks. An image that cannot be read, or whose result cannot have its
    name, is reported on stderr, and the others are still drawn.

    Args:
        viewer: of the model.
        images: files; results of images with the same name get different names.
        out_dir: made if it does not exist.
        layers: see `SelectionViewer.draw`.

    Returns:
        The file of each image that could be read.

    Raises:
        InputError: a result cannot be written, or would replace one of the images; a layer is not token selective.
    """
    folder = make_output_folder(out_dir)
    paths = [folder / f"{stem}_tokens.png" for stem in unique_stems(images)]
    check_not_inputs(paths, images)
    saved = {}
    for image, path in zip(tqdm(images, unit="image", disable=None), paths, strict=True):
        try:
            check_file_name(path)
            rgb = read_rgb(image)
            inputs = viewer.prepare(rgb, image)
        except InputError as error:
            tqdm.write(f"error: {error}", file=sys.stderr)
            continue
        write_rgb(path, viewer.draw_input(inputs, layers), viewer.metadata)
        saved[image] = path
        tqdm.write(f"{image} -> {path}", file=sys.stdout)
    return saved


def _check_pixels(height: int, width: int, shape: Sequence[int], name: Path | str) -> None:
    """Raise `InputError` if the network's input [px], of an image of `shape`, is too large to draw."""
    if height * width > _MAX_PIXELS:
        raise InputError(
            f"{name}: {shape[1]}x{shape[0]} px become {width}x{height} px for the network, more than "
            f"{_MAX_PIXELS / 1e6:.1f} million; crop the image, or choose a smaller input"
        )


def _removing_layers(backbone: EViT, patches: int) -> list[int]:
    """Return the layers, counted from 1, that remove patches of an image: a rate near 1 may round to all."""
    layers = []
    for i, rate in enumerate(backbone.keep_rate):
        count = fraction_of(patches, rate, math.ceil)
        if count < patches:
            layers.append(i + 1)
            patches = count + backbone.fuse_token
    return layers
