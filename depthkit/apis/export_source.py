"""What is exported: a model, what is published about it, and how images become its input."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.config import Config
from torch import Tensor

from depthkit.apis.network_input import build_transforms, input_size, make_input
from depthkit.apis.network_runtime import CalibrationImages, read_calibration
from depthkit.apis.predictor import DepthPredictor
from depthkit.apis.trained_model import building, read_model_config
from depthkit.export.deployable import Exportable, divisor_of, smallest_side


@dataclass(frozen=True)
class ExportSource:
    """A model that is to be exported, on the CPU.

    Attributes:
        model: in evaluation mode.
        metadata: what was published about it.
        transforms: of its test_pipeline.
    """

    model: Exportable
    metadata: dict[str, str]
    transforms: Sequence[Callable]

    @property
    def recommended_size(self) -> tuple[int, int]:
        """Height and width [px] for an image of 640 x 480 px: about what the model was trained for."""
        return input_size(self.transforms, divisor_of(self.model))

    @property
    def resampling(self) -> str | None:
        """The rules for sides of images that shrink and for those that grow; None if not known."""
        rules = {"cubic": "cubic, cubic", "antialiased": "antialiased, antialiased", "area": "area, cubic"}
        named = [one.resampling for one in self.transforms if isinstance(getattr(one, "resampling", None), str)]
        return rules.get(named[0], named[0]) if named else None

    def read_calibration(self, images: CalibrationImages, size: tuple[int, int] | None) -> Iterator[Tensor]:
        """Yield calibration images as the graph takes them, (1, 3, H, W) from 0 to 255.

        Args:
            images: 8 or more, or their folder.
            size: height and width [px] that all are resized to; None: as the test_pipeline does.

        Raises:
            InputError: they are too few or too small, or one cannot be read.
        """
        divisor, least = divisor_of(self.model), smallest_side(divisor_of(self.model))
        for rgb in read_calibration(images):
            image = make_input(self.transforms, _as_it_is, rgb)["inputs"][0][None].float()
            if size is None:
                size_here = tuple(max(least, side // divisor * divisor) for side in image.shape[-2:])
            yield torch.nn.functional.interpolate(image, size or size_here, mode="area")


def load_export_source(config: str | Path | Config | None, weights: str | Path) -> ExportSource:
    """Load the model of a checkpoint, a depth model or a classifier.

    Args:
        config: that it was trained with; None: the one that the checkpoint carries.
        weights: the checkpoint.

    Raises:
        InputError: see `DepthPredictor`.
    """
    given, checkpoint = (weights, None) if config is None else (config, weights)
    described = read_model_config(given, checkpoint).get("model")
    if not isinstance(described, dict) or "decode_head" in described or "cls_head" not in described:
        predictor = DepthPredictor(given, checkpoint, device="cpu")
        return ExportSource(predictor.model, predictor.metadata, predictor.transforms)
    with building(given, checkpoint, "classification") as (model, cfg, name):
        transforms = build_transforms(cfg, name)
    return ExportSource(model.eval(), {key: str(value) for key, value in cfg.get("published", {}).items()}, transforms)


def load_published_source(name: str, weights: str | Path | None) -> ExportSource:
    """Load a published model.

    Args:
        name: as `depthkit models` lists it.
        weights: its file; None: see `DepthPredictor.from_pretrained`.

    Raises:
        InputError: see there.
    """
    predictor = DepthPredictor.from_pretrained(name, weights, device="cpu")
    return ExportSource(predictor.model, predictor.metadata, predictor.transforms)


def _as_it_is(batch: dict, training: bool) -> dict:
    return batch
