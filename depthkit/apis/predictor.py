"""From a checkpoint and an image to depth in metres."""

import copy
import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from PIL import Image

from depthkit.apis.focal import FocalLength, FocalRequest, FocalRule, choose_focal_length, exif_focal_length
from depthkit.apis.result import DepthResult
from depthkit.apis.result_files import Kind
from depthkit.datasets.imagenet_labels import imagenet_names
from depthkit.datasets.sample import make_sample
from depthkit.errors import InputError
from depthkit.models import DepthClassifier, DepthEstimator
from depthkit.models.layers.blocks import Selection
from depthkit.models.selective import check_has_keep_rate, describe_selection, make_selective
from depthkit.models.weights import forget_pretrained, load_weights, read_config
from depthkit.registry import MODELS, TRANSFORMS, depthkit_scope, registered_types_only
from depthkit.utils.camera import pinhole, zoom_intrinsics
from depthkit.utils.config import load_config
from depthkit.utils.config_errors import carried_config_errors, config_errors
from depthkit.utils.device import select_device
from depthkit.utils.image_decoding import decode_rgb, open_image
from depthkit.utils.io import read_rgb
from depthkit.zoo.configs import Preprocessing, make_config
from depthkit.zoo.loading import load_model, print_limits
from depthkit.zoo.packaged import PACKAGED_MODEL, packaged_weights
from depthkit.zoo.table import find_model


class DepthPredictor:
    """A trained model that is called with images.

    It applies the config's `test_pipeline` and `test_cfg`. The checkpoint replaces all weights, so nothing
    pretrained is downloaded.

        predictor = DepthPredictor("best.pth")  # a checkpoint that carries its config
        predictor = DepthPredictor("configs/nyu_tosa_small.py", "old.pth")
        predictor = DepthPredictor.from_pretrained("rooms-deit-tiny")  # the small one that comes with depthkit
        predictor = DepthPredictor.from_pretrained("depth-anything-v2-small")  # published weights

    Args:
        config: path of a checkpoint that carries its config; or, with `checkpoint`, the path of a config or a
            loaded one.
        checkpoint: path of the weights that belong to the config, ``.pth`` or ``.safetensors``.
        device: ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Raises:
        InputError: the config, the checkpoint or the device cannot be used.
    """

    def __init__(self, config: str | Path | Config, checkpoint: str | Path | None = None, device: str = "auto") -> None:
        is_path = isinstance(config, (str, os.PathLike))
        carried = checkpoint is None
        if carried and (not is_path or Path(config).suffix == ".py"):
            name = config if is_path else config.filename or "config"
            raise InputError(f"{name}: a config has no weights; give a checkpoint too, or a checkpoint alone")
        if carried:
            cfg, checkpoint = read_config(config), config
        else:
            cfg = load_config(config) if is_path else config
        name = checkpoint if carried else cfg.filename or "config"
        model_cfg = copy.deepcopy(cfg.get("model"))
        is_depth = isinstance(model_cfg, dict) and {"backbone", "decode_head"} <= model_cfg.keys()
        if not is_depth or "test_pipeline" not in cfg:
            raise InputError(
                f"{name}: is not the config of a depth model; expected model.backbone, model.decode_head and "
                "test_pipeline"
            )
        self.device = select_device(device)
        forget_pretrained(model_cfg)
        with (
            depthkit_scope(),
            registered_types_only() if carried else nullcontext(),
            carried_config_errors(name) if carried else nullcontext(),
        ):
            with config_errors(str(name), "model"):
                model = MODELS.build(model_cfg)
            self._set_up(model, cfg, str(name))
        load_weights(model, checkpoint)
        print_limits(self.metadata)

    @classmethod
    def from_pretrained(
        cls,
        name: str,
        weights: str | Path | None = None,
        input_size: int | None = None,
        preprocessing: Preprocessing = "authors",
        device: str = "auto",
        keep_rate: float | Sequence[float] | None = None,
        selection: Selection | None = None,
        selective_layers: Sequence[int] | None = None,
    ) -> "DepthPredictor":
        """Make the predictor of a published model.

        Args:
            name: as `depthkit models` lists it. `PACKAGED_MODEL` comes with depthkit; it takes no other weights,
                input size or preprocessing than its own.
            weights: a file in the authors' layout, in that of transformers or in depthkit's; None: the published
                one, from the hub's cache or downloaded into it.
            input_size: [px], what the size of the network's input is derived from; None: the model's own.
            preprocessing: resize images as the ``authors`` do, or as ``transformers`` does.
            device: as above.
            keep_rate: fraction of the patches that go through the token selective layers; None: a dense model.
            selection: see `make_selective`, like the next; only with a `keep_rate`.
            selective_layers: 0-based.

        Raises:
            InputError: there is no such model, its file cannot be had, a file is of another model, or an argument is
                wrong.
        """
        check_has_keep_rate(keep_rate, selection, selective_layers)
        if name == PACKAGED_MODEL:
            if (weights, input_size, preprocessing) != (None, None, "authors"):
                raise InputError(f"{name}: has its own weights and preprocessing; leave these arguments out")
            predictor = cls(packaged_weights(), device=device)
        else:
            published = find_model(name)
            config = Config(make_config(published, weights, input_size, preprocessing))
            predictor = cls.__new__(cls)
            predictor.device = select_device(device)
            model = load_model(published, config, weights)
            with depthkit_scope():
                predictor._set_up(model, config, name)
        if keep_rate is not None:
            predictor.select_tokens(keep_rate, selection, selective_layers)
        return predictor

    def select_tokens(
        self,
        keep_rate: float | Sequence[float],
        selection: Selection | None = None,
        selective_layers: Sequence[int] | None = None,
    ) -> None:
        """Let only the most important patches go through some of the model's layers (`make_selective`).

        Raises:
            InputError: an argument is wrong, or the model has no such form.
        """
        self.model = make_selective(self.model, keep_rate, selection, selective_layers)
        self.metadata = {**self.metadata, **describe_selection(self.model.backbone)}

    def _set_up(self, model: DepthEstimator, cfg: Config, name: str) -> None:
        """Take over a model and what its config says about images and results."""
        with config_errors(name, "test_pipeline"):
            self.transforms = [TRANSFORMS.build(transform) for transform in cfg.test_pipeline]
        with config_errors(name, "focal_rule"):
            self.focal_rule = FocalRule(**cfg.get("focal_rule", {}))
        self.model = model.to(self.device).eval()
        self.metadata = {key: str(value) for key, value in cfg.get("published", {}).items()}
        self.kind: Kind = "metric" if model.output == "depth" else "relative"
        self.max_depth: float | None = cfg.model["decode_head"].get("max_depth")  # [m], of the canonical camera

    def __call__(self, image: "str | Path | Image.Image | np.ndarray", focal: FocalRequest = None) -> DepthResult:
        """Predict the depth of one image of any size.

        The result is in metres, or relative (`DepthResult.kind`). Of a model that gives relative depth, such as
        ``da3mono-large``, the result has the inverse.

        Args:
            image: a path; a PIL image; or an array, uint8 RGB (H, W, 3). The first two are turned upright by their
                EXIF orientation.
            focal: focal length [px] at the image's own size; ``exif``: that of EXIF, or an error; None: that of EXIF,
                or an assumed one (`choose_focal_length`).

        Raises:
            InputError: the file cannot be read, the array has another type or shape, or the focal length is impossible
                or missing.
        """
        rgb, exif, name = _read(image)
        batch, camera = self.prepare(rgb, name, focal, exif)
        predicted = self.run(batch)[0]
        values = predicted.pred_depth_map.data.squeeze(0).float().cpu().numpy()
        classes = name_classes(predicted.pred_score) if self.has_classes else ()
        return DepthResult(
            values=values,
            image=rgb,
            kind=self.kind,
            depth_range=self._depth_range(camera),
            focal_length=camera.pixels,
            focal_source=camera.source,
            metres_follow_focal=camera.metres_follow,
            classes=classes,
            metadata=self.metadata,
        )

    def prepare(
        self, rgb: np.ndarray, name: str = "", focal: FocalRequest = None, exif: float | None = None
    ) -> tuple[dict, FocalLength]:
        """Make the model's input of an image, and choose the focal length that its metres are for.

        Args:
            rgb: uint8 RGB (H, W, 3).
            name: of the image, for messages.
            focal: as of a call.
            exif: focal length [px] of the image's EXIF, if there is one.

        Returns:
            What `run` takes, and the focal length.

        Raises:
            InputError: the focal length is impossible or missing.
        """
        batch = self.preprocess(rgb, name)
        sample = batch["data_samples"][0]
        scales = float(sample.intrinsics[0, 0]), float(sample.intrinsics[1, 1])
        camera = choose_focal_length(
            focal, exif, self.model.canonical_focal, rgb.shape[:2], scales, self.focal_rule, name
        )
        if camera.at_input is not None:
            sample.set_metainfo({"intrinsics": zoom_intrinsics(sample.intrinsics, camera.at_input / scales[0])})
        return batch, camera

    @torch.inference_mode()
    def run(self, batch: dict) -> list[SegDataSample]:
        """Predict a batch of what `prepare` made, with ``inputs`` (B, 3, h, w).

        Returns:
            Samples whose `pred_depth_map` (1, H, W), at the image's size, has the values of a `DepthResult`.
        """
        predicted = self.model(batch["inputs"], batch["data_samples"], mode="predict")
        if self.model.output == "relative_depth":  # results have one meaning: larger is nearer
            for sample in predicted:
                sample.pred_depth_map = PixelData(data=1 / sample.pred_depth_map.data)
        return predicted

    def _depth_range(self, camera: FocalLength) -> tuple[float, float] | None:
        """Return the range [m] of the model's depth for a camera; None where it has none."""
        if self.kind == "relative" or self.max_depth is None:
            return None
        zoom = camera.at_input / self.model.canonical_focal if camera.metres_follow else 1.0
        return 0.0, float(self.max_depth * zoom)

    def preprocess(self, rgb: np.ndarray, name: str = "") -> dict:
        """Make the model's input of an image.

        Args:
            rgb: uint8 RGB (H, W, 3).
            name: of the image, for messages.

        Returns:
            ``inputs`` (1, 3, h, w), normalised, on the model's device, and ``data_samples``, whose `intrinsics` are
            those of an image of focal length 1 px.
        """
        height, width = rgb.shape[:2]
        sample = make_sample(rgb, name, intrinsics=pinhole(1.0, 1.0, (width - 1) / 2, (height - 1) / 2))
        for transform in self.transforms:
            sample = transform(sample)
        batch = {"inputs": [sample["inputs"]], "data_samples": [sample["data_samples"]]}
        with torch.inference_mode():
            return self.model.data_preprocessor(batch, False)

    @property
    def can_follow_focal(self) -> bool:
        """Whether metres can follow the focal length: the model has a `canonical_focal`."""
        return self.model.canonical_focal is not None

    @property
    def has_classes(self) -> bool:
        """Whether the model also has a classifier; then results have `classes`."""
        return isinstance(self.model, DepthClassifier)


def name_classes(scores: torch.Tensor, count: int = 5) -> tuple[tuple[str, float], ...]:
    """Name the `count` likeliest classes by `scores` (classes,), likeliest first, each with its score.

    1000 classes have ImageNet's names; any other number of them are called "class 7".
    """
    names = imagenet_names() if len(scores) == len(imagenet_names()) else [f"class {i}" for i in range(len(scores))]
    best = scores.topk(min(count, len(scores)))
    return tuple((names[i], score) for score, i in zip(best.values.tolist(), best.indices.tolist(), strict=True))


def _read(image: "str | Path | Image.Image | np.ndarray") -> tuple[np.ndarray, float | None, str]:
    """Return an image as uint8 RGB (H, W, 3), its focal length [px] if known, and its name for messages."""
    if isinstance(image, (str, os.PathLike)):
        rgb = read_rgb(image)  # first, because it has the errors
        with open_image(image) as opened:
            return rgb, exif_focal_length(opened), os.fspath(image)
    if isinstance(image, Image.Image):
        name = getattr(image, "filename", "") or "image"
        return decode_rgb(image, name), exif_focal_length(image), name
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3:
        if image.size == 0:
            raise InputError(f"image: has shape {image.shape}; expected one pixel at least")
        return np.ascontiguousarray(image), None, ""
    kind = f"{image.dtype} of shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
    raise InputError(f"image: is {kind}; expected a path, a PIL image, or a uint8 RGB array (H, W, 3)")
