"""The config of a published model: plain data, as a checkpoint carries it."""

import os
from numbers import Integral
from typing import Literal, get_args

from depthkit.errors import InputError
from depthkit.utils.imagenet_stats import IMAGENET_MEAN, IMAGENET_STD
from depthkit.zoo.zoo_model import ZooModel

Preprocessing = Literal["authors", "transformers"]

MAX_INPUT_SIZE = 4096  # [px]
# Focal lengths [px] of the training images at the size in which the network saw them, shorter side 518 px: Hypersim's
# camera has 886.81 px at a height of 768 px, Virtual KITTI 2's 725.0087 px at one of 375 px.
_CANONICAL_FOCALS = {20.0: 886.81 * 518 / 768, 80.0: 725.0087 * 518 / 375}
_DA3_CANONICAL_FOCAL = 300.0  # "metres = focal * output / 300", README of Depth-Anything-3
_OUTPUTS = {"metric": "depth"}  # the others have the same name in a config


def make_config(
    model: ZooModel,
    weights: str | os.PathLike | None = None,
    input_size: int | None = None,
    preprocessing: Preprocessing = "authors",
) -> dict:
    """Make the config of `model`.

    Args:
        model: from `find_model`.
        weights: file with the weights, None for the published one; only its name is used.
        input_size: [px], what the size of the network's input is derived from; None: the model's own.
        preprocessing: as the authors' code does it, or as transformers does.

    Returns:
        ``model``; ``test_pipeline``; ``focal_rule``, arguments of `FocalRule`, if the metres can follow the camera; and
        ``published``, what results say about the model.

    Raises:
        InputError: the size is not a possible one, or transformers does not have this model.
    """
    if weights is not None and not isinstance(weights, str | os.PathLike):
        raise InputError(f"weights={weights!r}: expected the path of a file, or None for the published one")
    size = model.input_size if input_size is None else input_size
    # numpy's whole numbers too; a config holds plain ones.
    if not isinstance(size, Integral) or isinstance(size, bool) or not 1 <= size <= MAX_INPUT_SIZE:
        raise InputError(f"input_size={size!r}: expected a number of pixels from 1 to {MAX_INPUT_SIZE}, such as 518")
    if preprocessing not in get_args(Preprocessing):
        raise InputError(f"preprocessing={preprocessing!r}: expected authors or transformers")
    if preprocessing == "transformers" and model.transformers_repo is None:
        raise InputError(f"{model.name}: transformers does not have this model; use preprocessing authors")
    resizing, last = _RESIZING[model.architecture.family, preprocessing]
    config = {
        "model": _estimator(model, last, _POSITIONS[preprocessing]),
        "test_pipeline": [
            {"type": "ResizeToMultiple", "size": int(size), "multiple": model.architecture.multiple, **resizing},
            {"type": "PackDepthInputs"},
        ],
        "published": {
            "model": model.name,
            "licence": model.licence,
            "licence_note": model.licence_note,
            "source": model.url if weights is None else os.path.basename(weights),
            "paper": str(model.paper),
            "preprocessing": preprocessing,
        },
    }
    if model.architecture.family == "depth_anything_3":
        config["focal_rule"] = {"automatic": True, "assumed": "nyu", "both_axes": True}
    elif model.output == "metric":
        config["focal_rule"] = {"automatic": False, "assumed": "canonical", "training_side": model.input_size}
    return config


def _estimator(model: ZooModel, last_resize: str, positions: str) -> dict:
    of = model.architecture
    mean, std = ((127.5,) * 3, (127.5,) * 3) if of.family == "dpt" else (IMAGENET_MEAN, IMAGENET_STD)
    estimator = {
        "type": "DepthEstimator",
        "data_preprocessor": {
            "type": "SegDataPreProcessor",
            "mean": mean,
            "std": std,
            "bgr_to_rgb": False,
            "size_divisor": 1,
            "pad_val": 0,
            "seg_pad_val": 0,
        },
        "backbone": _backbone(model, positions),
        "decode_head": {
            "type": "DPTHead",
            "in_channels": (of.embed_dim,) * len(of.taps),
            "level_channels": of.level_channels,
            "channels": of.channels,
            "readout": "project" if of.family == "dpt" else "ignore",
            **_activation(model),
        },
        "size_divisor": of.multiple,
        "output": _OUTPUTS.get(model.output, model.output),
        "test_cfg": {"mode": "whole", "flip": False, "resize": last_resize},
    }
    if model.output == "metric":
        focal = _CANONICAL_FOCALS[model.max_depth] if model.max_depth else _DA3_CANONICAL_FOCAL
        estimator["canonical_focal"] = focal
    return estimator


def _backbone(model: ZooModel, positions: str) -> dict:
    of = model.architecture
    vit = {"embed_dim": of.embed_dim, "depth": of.depth, "num_heads": of.num_heads, "out_indices": of.taps}
    if of.family == "dpt":
        return {"type": "DeiT", "img_size": 384, "patch_size": of.patch_size, "position_resampling": "bilinear", **vit}
    # All that DINOv2 has by default, so that the same arguments make its ToSA form.
    vit |= {"img_size": 518, "patch_size": of.patch_size, "init_values": 1.0, "position_resampling": positions}
    return {"type": "DINOv2", **vit, "norm_maps": True, "norm_eps": 1e-5 if of.family == "depth_anything_3" else 1e-6}


def _activation(model: ZooModel) -> dict:
    if model.architecture.family == "depth_anything_3":
        return {"activation": "exp", "sky": True}
    if model.max_depth:
        return {"activation": "range", "min_depth": 0.0, "max_depth": model.max_depth}
    return {"activation": "relu"}


# How DINOv2's position table is resampled; transformers left the authors' offset out in August 2024.
_POSITIONS = {"authors": "dinov2", "transformers": "bicubic"}
# How `ResizeToMultiple` resizes to the network's input, and `DepthEstimator` back to the image.
_RESIZING = {
    ("depth_anything", "authors"): (
        {"rule": "lower_bound", "resampling": "cubic"},
        "bilinear_aligned",
    ),
    ("depth_anything", "transformers"): (
        {"rule": "minimal", "resampling": "antialiased"},
        "bicubic",
    ),
    # The authors leave the depth at the network's size.
    ("depth_anything_3", "authors"): ({"rule": "longest_side", "resampling": "area"}, "bilinear"),
    ("dpt", "authors"): ({"rule": "minimal", "resampling": "cubic"}, "bicubic"),
    ("dpt", "transformers"): ({"rule": "stretch", "resampling": "antialiased"}, "bicubic"),
}
