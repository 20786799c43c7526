"""From a checkpoint and an image to depth in metres."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import overload

import numpy as np
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from depthkit.apis.focal import FocalLength, FocalRequest, FocalRule, check_focal, choose_focal_length
from depthkit.apis.image_batches import Requested, group_equal, read_batches, read_named
from depthkit.apis.image_source import ImageSource, SourceImage
from depthkit.apis.named_classes import name_classes
from depthkit.apis.network_input import build_transforms, make_input
from depthkit.apis.network_runtime import CalibrationImages, device_of_runtime, set_runtime
from depthkit.apis.result import DepthResult
from depthkit.apis.result_files import Kind
from depthkit.apis.trained_model import building
from depthkit.errors import InputError
from depthkit.models import DepthClassifier, DepthEstimator
from depthkit.models.selective import Form, check_has_keep_rate, describe_selection, make_selective
from depthkit.registry import depthkit_scope
from depthkit.runtimes.names import MAX_ERROR, Precision, Runtime
from depthkit.utils.camera import zoom_intrinsics
from depthkit.utils.config import config_to_plain
from depthkit.utils.config_errors import config_errors
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
        runtime, precision, calibration: see `use_runtime`.

    Raises:
        InputError: the config, the checkpoint, the device or the runtime cannot be used.
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path | None = None,
        device: str = "auto",
        runtime: Runtime = "torch",
        precision: Precision = "float32",
        calibration: CalibrationImages | None = None,
    ) -> None:
        self.device = device_of_runtime(device, runtime, precision, calibration is not None)
        with building(config, checkpoint) as (model, cfg, name):
            self._set_up(model, cfg, name)
        print_limits(self.metadata)
        self.use_runtime(runtime, precision, calibration)

    @classmethod
    def from_pretrained(
        cls,
        name: str,
        weights: str | Path | None = None,
        input_size: int | None = None,
        preprocessing: Preprocessing = "authors",
        device: str = "auto",
        keep_rate: float | Sequence[float] | None = None,
        selection: Form | None = None,
        selective_layers: Sequence[int] | None = None,
        runtime: Runtime = "torch",
        precision: Precision = "float32",
        calibration: CalibrationImages | None = None,
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
            runtime: see `use_runtime`.
            precision: see `use_runtime`.
            calibration: see `use_runtime`.

        Raises:
            InputError: there is no such model, its file cannot be had, a file is of another model, or an argument is
                wrong.
        """
        check_has_keep_rate(keep_rate, selection, selective_layers)
        chosen = device_of_runtime(device, runtime, precision, calibration is not None)
        if name == PACKAGED_MODEL:
            if (weights, input_size, preprocessing) != (None, None, "authors"):
                raise InputError(f"{name}: has its own weights and preprocessing; leave these arguments out")
            predictor = cls(packaged_weights(), device=str(chosen))
        else:
            published = find_model(name)
            config = Config(make_config(published, weights, input_size, preprocessing))
            predictor = cls.__new__(cls)
            predictor.device = chosen
            model = load_model(published, config, weights)
            with depthkit_scope():
                predictor._set_up(model, config, name)
        if keep_rate is not None:
            predictor.select_tokens(keep_rate, selection, selective_layers)
        predictor.use_runtime(runtime, precision, calibration)
        return predictor

    def select_tokens(
        self,
        keep_rate: float | Sequence[float],
        selection: Form | None = None,
        selective_layers: Sequence[int] | None = None,
    ) -> None:
        """Let only some patches go through some of the model's layers (`make_selective`).

        Raises:
            InputError: an argument is wrong, or the model has no such form.
        """
        model = make_selective(self.model, keep_rate, selection, selective_layers)
        self._adopt(model, {**self.metadata, **describe_selection(model.backbone)}, self._asked)

    def use_runtime(
        self,
        runtime: Runtime = "torch",
        precision: Precision = "float32",
        calibration: CalibrationImages | None = None,
        max_error: float = MAX_ERROR,
    ) -> None:
        """Run the network in another runtime or precision from now on, compared with torch first.

        Args:
            runtime: ``torch``; ``compile``: torch.compile; ``onnx``: onnxruntime; ``openvino``; ``auto``: the fastest
                that is installed and agrees with torch. Exported graphs are kept in the user's cache.
            precision: ``float32``; ``bfloat16`` or ``float16`` where the processor has it; ``int8``.
            calibration: for int8, 8 images or more like those to come, or a folder of them.
            max_error: of a precision below float32, the largest mean error, a fraction of the depth.

        Raises:
            InputError: the runtime is not installed, is not for this device or precision, or does not agree.
        """
        self._adopt(self.model, self.metadata, (runtime, precision, calibration, max_error))

    def _adopt(self, model: DepthEstimator, metadata: dict[str, str], asked: tuple) -> None:
        """Take over a model once it runs as `asked` of `use_runtime`; after an error all is as before."""
        self.runtime = set_runtime(model, {"model": self._model_config, **metadata}, self.preprocess, *asked)
        self.model, self.metadata, self._asked = model, metadata, asked

    def _set_up(self, model: DepthEstimator, cfg: Config, name: str) -> None:
        """Take over a model and what its config says about images and results."""
        self.transforms = build_transforms(cfg, name)
        with config_errors(name, "focal_rule"):
            self.focal_rule = FocalRule(**cfg.get("focal_rule", {}))
        self.model = model.to(self.device).eval()
        self.preprocess = partial(make_input, self.transforms, self.model.data_preprocessor)
        self.metadata = {key: str(value) for key, value in cfg.get("published", {}).items()}
        self.kind: Kind = "metric" if model.output == "depth" else "relative"
        self._model_config = config_to_plain(cfg)["model"]
        self.max_depth: float | None = cfg.model["decode_head"].get("max_depth")  # [m], of the canonical camera
        self.use_runtime()

    def __repr__(self) -> str:
        """Say in one line which model this is and where it runs."""
        name = self.metadata.get("model") or type(self.model.backbone).__name__
        count = sum(weight.numel() for weight in self.model.parameters())
        kept = f", keep_rate={self.metadata['keep_rate']}" if "keep_rate" in self.metadata else ""
        where = "" if self.runtime == "torch" else f", runtime={self.runtime}"
        return f"DepthPredictor({name}, {self.kind}, {count / 1e6:.1f} M parameters{kept}, device={self.device}{where})"

    @overload
    def __call__(self, image: ImageSource, focal: FocalRequest = None, batch_size: int = 8) -> DepthResult: ...

    @overload
    def __call__(
        self, image: Sequence[ImageSource], focal: FocalRequest | Sequence[FocalRequest] = None, batch_size: int = 8
    ) -> list[DepthResult]: ...

    def __call__(self, image, focal=None, batch_size=8):
        """Predict the depth of one image of any size, or of a list of images.

        The result is in metres, or relative (`DepthResult.kind`). Of a model that gives relative depth, such as
        ``da3mono-large``, the result has the inverse.

        Args:
            image: a path; an http, https or ``file://`` address; the bytes of an image file (of more than 190
                megapixels these are read at 1/2: `DepthResult.reduction`); a PIL image; an array (H, W[, 1, 3 or 4]) or
                a tensor ((C, H, W), or (H, W, C) where the first side cannot be channels), uint8 from 0 to 255, uint16
                from 0 to 65535 or float from 0 to 1. All but arrays and tensors are turned upright by their EXIF
                orientation. A list or tuple of these gives a list of results.
            focal: focal length [px] at the image's own size; ``exif``: that of EXIF, or an error; None: that of EXIF,
                or an assumed one (`choose_focal_length`). For a list of images one for all, or a list.
            batch_size: how many images of a list are read at a time. Those of them whose inputs of the network have
                one size go through it together: the same as one by one but for rounding; others to the last bit.

        Raises:
            InputError: an image cannot be read or has another type, shape or range, or the focal length is impossible
                or missing; one image of a list is enough.
        """
        if isinstance(image, (list, tuple)):
            return [result for images in read_batches(image, focal, batch_size) for result in self._predict(images)]
        return self._predict([(read_named(image), check_focal(focal))])[0]

    def _predict(self, images: Requested) -> list[DepthResult]:
        """Predict images, together where the inputs of the network have one size."""
        prepared = [self.prepare(one.rgb, one.name, one.scale_focal(focal), one.focal) for one, focal in images]
        predicted: dict[int, SegDataSample] = {}
        for places, batch in group_equal([batch for batch, _ in prepared]):
            predicted.update(zip(places, self.run(batch), strict=True))
        return [self.make_result(image, prepared[i][1], predicted[i]) for i, (image, _) in enumerate(images)]

    def make_result(self, image: SourceImage, camera: FocalLength, predicted: SegDataSample) -> DepthResult:
        """Put together an image, what `prepare` said of its camera, and what `run` predicted."""
        values = predicted.pred_depth_map.data.squeeze(0).float().cpu().numpy()
        depth_range = None
        if self.kind == "metric" and self.max_depth is not None:
            zoom = camera.at_input / self.model.canonical_focal if camera.metres_follow else 1.0
            depth_range = 0.0, float(self.max_depth * zoom)
        return DepthResult(
            values=values,
            image=image.rgb,
            reduction=image.reduction,
            kind=self.kind,
            depth_range=depth_range,
            focal_length=camera.pixels,
            focal_source=camera.source,
            metres_follow_focal=camera.metres_follow,
            classes=name_classes(predicted.pred_score) if self.has_classes else (),
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

    @property
    def can_follow_focal(self) -> bool:
        """Whether metres can follow the focal length: the model has a `canonical_focal`."""
        return self.model.canonical_focal is not None

    @property
    def has_classes(self) -> bool:
        """Whether the model also has a classifier; then results have `classes`."""
        return isinstance(self.model, DepthClassifier)
