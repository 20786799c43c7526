"""From a config, a checkpoint and a photo to depth in metres."""

import copy
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from mmengine.registry import init_default_scope
from PIL import ExifTags, Image

from depthkit.apis.predict import output_paths
from depthkit.datasets.imagenet_labels import imagenet_names
from depthkit.datasets.sample import make_sample
from depthkit.errors import InputError
from depthkit.models import DepthClassifier
from depthkit.models.weights import load_weights
from depthkit.registry import MODELS, SCOPE, TRANSFORMS
from depthkit.utils.camera import NYU_INTRINSICS, NYU_SHAPE, focal_intrinsics
from depthkit.utils.config import load_config
from depthkit.utils.config_errors import config_errors
from depthkit.utils.device import check_device
from depthkit.utils.io import pil_to_rgb, read_rgb, write_depth_npy, write_depth_png, write_point_cloud_ply, write_rgb
from depthkit.visualization import DEFAULT_RANGE, depth_to_points, draw_depth_map, draw_side_by_side
from depthkit.visualization.depth_map import is_valid

if TYPE_CHECKING:
    from mmengine.config import Config

_FILM_DIAGONAL = (36.0**2 + 24.0**2) ** 0.5  # [mm], of 35 mm film, to which EXIF's focal length is converted


@dataclass(frozen=True)
class DepthResult:
    """The depth of one photo.

    Args:
        depth: distance along the optical axis [m], float32 (H, W), at the photo's own size.
        image: the photo, upright, uint8 RGB (H, W, 3).
        depth_range: the ends of the colour bar [m] unless another range is asked for: what the model can say.
        focal_length: [px], from the photo's EXIF; None where it does not tell.
        classes: names and probabilities of the five likeliest ImageNet classes, for a model with a classifier.
    """

    depth: np.ndarray
    image: np.ndarray
    depth_range: tuple[float, float] = DEFAULT_RANGE
    focal_length: float | None = None
    classes: tuple[tuple[str, float], ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width [px] of the photo and of its depth."""
        return self.depth.shape

    @property
    def valid(self) -> np.ndarray:
        """Where there is a depth: finite and positive; boolean (H, W)."""
        return is_valid(self.depth)

    @property
    def intrinsics(self) -> np.ndarray:
        """Camera matrix [px] (3, 3), centred; without a focal length in the EXIF, NYU Depth V2's, scaled."""
        focal = self.focal_length or NYU_INTRINSICS[0, 0] / max(NYU_SHAPE) * max(self.size)
        return focal_intrinsics(focal, self.size)

    def colored(self, depth_range: tuple[float, float] | None = None, side_by_side: bool = False) -> np.ndarray:
        """The depth map in colour with a colour bar in metres, beside the photo if asked.

        Red is near, blue is far. `depth_range` [m] is the colour bar's. Returns uint8 RGB (H', W', 3).
        """
        depth_range = depth_range or self.depth_range
        if side_by_side:
            return draw_side_by_side(self.image, self.depth, depth_range=depth_range)
        return draw_depth_map(self.depth, depth_range)

    def point_cloud(self) -> tuple[np.ndarray, np.ndarray]:
        """Points [m] float32 (N, 3), x right, y down, z forward, and their colours, uint8 (N, 3).

        The shape is right only as far as `intrinsics` is.
        """
        return depth_to_points(self.depth, self.intrinsics, self.image)

    def save(
        self,
        out_dir: str | Path,
        stem: str,
        depth_range: tuple[float, float] | None = None,
        side_by_side: bool = False,
        point_cloud: bool = False,
    ) -> int:
        """Write the files of `output_paths` into an existing folder, each whole or not at all.

        Returns:
            How many pixels are beyond the 65.535 m that the 16-bit PNG can hold; they are written as that.

        Raises:
            InputError: a file cannot be written.
        """
        paths = output_paths(out_dir, stem, side_by_side, point_cloud)
        write_rgb(paths["colored"], self.colored(depth_range))
        saturated = write_depth_png(paths["depth_png"], self.depth)
        write_depth_npy(paths["depth_npy"], self.depth)
        if side_by_side:
            write_rgb(paths["side_by_side"], self.colored(depth_range, side_by_side=True))
        if point_cloud:
            write_point_cloud_ply(paths["points"], *self.point_cloud())
        return saturated


class DepthPredictor:
    """A trained model that is called with photos.

    It applies the config's `test_pipeline` and `test_cfg`; the checkpoint replaces all weights, so that
    nothing pretrained is fetched.

    Args:
        config: path of a config, or a loaded one.
        checkpoint: path of the weights that belong to it.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``; one that is not there is an error.

    Raises:
        InputError: the config, the checkpoint or the device cannot be used.
    """

    def __init__(self, config: "str | Path | Config", checkpoint: str | Path, device: str = "cpu") -> None:
        cfg = load_config(config) if isinstance(config, (str, os.PathLike)) else config
        name = cfg.filename or "config"
        model_cfg = copy.deepcopy(dict(cfg.get("model", {})))
        if not {"backbone", "decode_head"} <= model_cfg.keys() or "test_pipeline" not in cfg:
            raise InputError(
                f"{name}: is not the config of a depth model; expected model.backbone, model.decode_head and "
                "test_pipeline"
            )
        self.device = check_device(device)
        init_default_scope(SCOPE)
        for part in (model_cfg, model_cfg["backbone"]):
            if "pretrained" in part:
                part["pretrained"] = None
        with config_errors(name, "model"):
            model = MODELS.build(model_cfg)
        load_weights(model, checkpoint)
        self.model = model.to(self.device).eval()
        with config_errors(name, "test_pipeline"):
            self.transforms = [TRANSFORMS.build(transform) for transform in cfg.test_pipeline]
        max_depth = model_cfg["decode_head"].get("max_depth", DEFAULT_RANGE[1])
        self.depth_range = (0.0, float(max_depth))

    def __call__(self, image: "str | Path | Image.Image | np.ndarray") -> DepthResult:
        """Predict the depth of one photo of any size.

        Args:
            image: a path; a PIL image; or an array, uint8 RGB (H, W, 3). EXIF rotation is applied to the
                first two, and their EXIF focal length is handed on.

        Raises:
            InputError: the file cannot be read, or the array is of another kind.
        """
        rgb, focal_length, name = _read(image)
        batch = self.preprocess(rgb, name)
        with torch.inference_mode():
            predicted = self.model(batch["inputs"], batch["data_samples"], mode="predict")[0]
        depth = predicted.pred_depth_map.data.squeeze(0).float().cpu().numpy()
        classes = name_classes(predicted.pred_score) if self.has_classes else ()
        return DepthResult(depth, rgb, self.depth_range, focal_length, classes)

    def preprocess(self, rgb: np.ndarray, name: str = "") -> dict:
        """What the model gets for a photo, uint8 RGB (H, W, 3): ``inputs`` (1, 3, h, w), normalised, on its device,
        and ``data_samples``. `name` is for messages."""
        sample = make_sample(rgb, name)
        for transform in self.transforms:
            sample = transform(sample)
        batch = {"inputs": [sample["inputs"]], "data_samples": [sample["data_samples"]]}
        with torch.inference_mode():
            return self.model.data_preprocessor(batch, False)

    @property
    def has_classes(self) -> bool:
        """Whether the model names what it sees too: results have `classes` then."""
        return isinstance(self.model, DepthClassifier)


def name_classes(scores: torch.Tensor, count: int = 5) -> tuple[tuple[str, float], ...]:
    """The `count` likeliest classes by `scores` (classes,), likeliest first, each with its score.

    Of 1000 classes the names are ImageNet's; of any other number "class 7".
    """
    names = imagenet_names() if len(scores) == len(imagenet_names()) else [f"class {i}" for i in range(len(scores))]
    best = scores.topk(min(count, len(scores)))
    return tuple((names[i], score) for score, i in zip(best.values.tolist(), best.indices.tolist(), strict=True))


def exif_focal_length(picture: Image.Image) -> float | None:
    """Focal length [px] of a photo from its EXIF 35 mm equivalent, None where that is missing.

    The equivalent is taken as relating the diagonals, as Depth Pro does.
    """
    value = picture.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.FocalLengthIn35mmFilm)
    try:
        millimetres = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not (np.isfinite(millimetres) and millimetres > 0):  # 0 says "unknown"
        return None
    return millimetres * float(np.hypot(*picture.size)) / _FILM_DIAGONAL


def _read(image: "str | Path | Image.Image | np.ndarray") -> tuple[np.ndarray, float | None, str]:
    """A photo as uint8 RGB (H, W, 3), its focal length [px] if known, and its name for messages."""
    if isinstance(image, (str, os.PathLike)):
        rgb = read_rgb(image)  # first, because it has the errors
        with Image.open(image) as picture:
            return rgb, exif_focal_length(picture), os.fspath(image)
    if isinstance(image, Image.Image):
        name = getattr(image, "filename", "") or "image"
        return pil_to_rgb(image, name), exif_focal_length(image), name
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3:
        if image.size == 0:
            raise InputError(f"image: has shape {image.shape}; expected one pixel at least")
        return np.ascontiguousarray(image), None, ""
    kind = f"{image.dtype} of shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
    raise InputError(f"image: is {kind}; expected a path, a PIL image, or a uint8 RGB array (H, W, 3)")
