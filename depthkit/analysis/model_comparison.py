"""Depth models side by side on RGB-D pairs."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from depthkit.apis.predictor import DepthPredictor
from depthkit.datasets.sample import Frame
from depthkit.errors import InputError
from depthkit.models import ToSA
from depthkit.models.selection_maps import selection_maps
from depthkit.visualization.color_range import readable_range
from depthkit.visualization.depth_map import colorize, depth_bar, relative_error
from depthkit.visualization.panels import draw_beside
from depthkit.visualization.token_map import darken_bypassed


def draw_comparison(frames: Sequence[Frame], predictors: Mapping[str, DepthPredictor], layer: int) -> np.ndarray:
    """Draw a row for each frame: image | ground truth | each model's depth | the tokens that attend.

    The colours of a row are those of its ground truth. Above each prediction stands its abs_rel. Tokens are drawn for
    each ToSA among the models: patches that skip the layer are dark.

    Args:
        frames: RGB-D pairs.
        predictors: metric models by the names that are shown; they are told the focal length of a frame that has one.
        layer: counted from 1, token selective.

    Returns:
        uint8 RGB (H, W, 3).

    Raises:
        InputError: a model gives no metres, or every token goes through the layer.
    """
    rows = [_draw_row(frame, predictors, layer) for frame in frames]
    width = max(row.shape[1] for row in rows)
    padding = [((0, 0), (0, width - row.shape[1]), (0, 0)) for row in rows]
    return np.concatenate([np.pad(row, pad, constant_values=255) for row, pad in zip(rows, padding, strict=True)])


def _draw_row(frame: Frame, predictors: Mapping[str, DepthPredictor], layer: int) -> np.ndarray:
    focal = None if frame.intrinsics is None else float(frame.intrinsics[0, 0])
    ends = readable_range(frame.depth)
    maps, depths, tokens = [("ground truth", frame.depth)], [frame.depth], []
    for name, predictor in predictors.items():
        if predictor.kind == "relative":
            raise InputError(f"{name}: gives no metres; name metric models")
        depth = predictor(frame.image, focal=focal).depth
        abs_rel = np.nanmean(np.abs(relative_error(depth, frame.depth)))
        maps.append((f"{name}: abs_rel {abs_rel:.3f}", depth))
        depths.append(depth)
        if isinstance(predictor.model.backbone, ToSA):
            attended = _attended(predictor, frame.image, layer)
            tokens.append((f"{name}: tokens of layer {layer}", darken_bypassed(frame.image, attended)))
    colored = [(title, colorize(depth, ends)) for title, depth in maps]
    return draw_beside(frame.image, [*colored, depth_bar(depths, ends), *tokens])


@torch.inference_mode()
def _attended(predictor: DepthPredictor, image: np.ndarray, layer: int) -> np.ndarray:
    """Return which patches some head of a layer attends, boolean (grid_h, grid_w)."""
    inputs = predictor.model.pad(predictor.preprocess(image)["inputs"])
    maps = selection_maps(predictor.model.backbone, inputs)
    if layer not in maps:
        raise InputError(f"layer {layer}: every token goes through it; choose one of {', '.join(map(str, maps))}")
    return maps[layer].any(axis=0)
