"""Distillation of depth: a small model learns from the depth of a large one, on images without labels."""

from typing import Literal, Protocol

import torch
from mmengine.logging import print_log
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.models.estimators.depth_estimator import DepthEstimator
from depthkit.models.losses.disparity_losses import normalise
from depthkit.registry import MODELS
from depthkit.utils.validation import validate_arguments


class Teacher(Protocol):
    """What `DepthDistiller` asks of a teacher; `DepthTeacher` is one.

    Attributes:
        name: of the model.
        model: the network, frozen.
        kind: whether the answers are in metres, or disparities with an unknown scale and shift.
        follows_focal: whether metres are those of the camera that is asked for.
        licence: of its weights, with what to know about it; empty where it is not known.
    """

    name: str
    model: nn.Module
    kind: Literal["metric", "relative"]
    follows_focal: bool
    licence: dict[str, str]

    def __call__(self, images: Tensor, focal: float | None) -> Tensor:
        """Return depth [m] or disparity (B, 1, H, W) of RGB images, uint8 (B, 3, H, W), without gradients.

        `focal` [px] is that of the camera at the size of these images; None: not known.
        """


@MODELS.register_module()
class DepthDistiller(DepthEstimator):
    """A student that learns the depth of a frozen teacher.

    It is a `DepthEstimator` with the same state-dict keys. No labels are needed. The teacher sees exactly the images
    that the student sees, augmented as they are (Beyer et al., CVPR 2022), each prepared as its own pipeline says. The
    losses are those of the `decode_head`; a ToSA's selectors learn from their own. What is saved is the student alone:
    a checkpoint carries the config of a `DepthEstimator`, and the name and licence of the teacher.

    Args:
        teacher: config of a `DepthTeacher`.
        **student: arguments of `DepthEstimator`. With ``output="depth"`` the student learns metres, from a teacher
            that gives them; with ``output="disparity"`` disparities up to scale and shift, from any teacher, and the
            losses are `ScaleShiftInvariantLoss` and `AlignedGradientLoss`. With `canonical_focal` the teacher is asked
            for the metres of that camera, which the student learns as its canonical depth.

    Raises:
        InputError: an argument is wrong; the student is larger than its teacher; or output, losses and teacher do not
            go together.
    """

    @validate_arguments
    def __init__(self, teacher: dict, **student) -> None:
        super().__init__(**student)
        self.teacher: Teacher = MODELS.build(teacher)
        self._check_kinds()
        own, theirs = _count_parameters(self), _count_parameters(self.teacher.model)
        if own > theirs:
            raise InputError(
                f"the student has {own / 1e6:.2f} M parameters, more than its teacher {self.teacher.name} with "
                f"{theirs / 1e6:.2f} M; use a smaller student or a larger teacher"
            )
        if not hasattr(self.data_preprocessor, "mean"):
            raise InputError("data_preprocessor: has no mean and std; expected a SegDataPreProcessor with both")
        print_log(
            f"distilled from {self._source} ({theirs / 1e6:.2f} M parameters, {self.teacher.kind} depth) into a "
            f"student of {own / 1e6:.2f} M",
            logger="current",
        )

    def loss(self, inputs: Tensor, data_samples: list[SegDataSample] | None = None) -> dict[str, Tensor]:
        """Return the losses of the decoder against the teacher's answer, and the backbone's own."""
        depth, losses = self._depth(inputs)
        wanted = self._ask(inputs)
        if self.output == "depth":
            return {**self.decode_head.loss(depth, wanted), **losses}
        valid = torch.isfinite(wanted)
        return {**{f"loss_{loss.name}": loss(depth, wanted, valid) for loss in self.decode_head.losses}, **losses}

    @torch.no_grad()
    def predict(self, inputs: Tensor, data_samples: list[SegDataSample]) -> list[SegDataSample]:
        """Give each image's sample `measures`: ``difference``, how far the student is from its teacher.

        In metres the mean of ``|depth - teacher's| / teacher's``. Of disparities the mean of ``|n(student) -
        n(teacher)|``, n from `normalise`: 0 where they are equal up to scale and shift, 1 for a constant student.
        """
        depth, wanted = self._depth(inputs)[0], self._ask(inputs)
        valid = torch.isfinite(wanted) & (wanted > 0 if self.output == "depth" else True)
        if self.output == "depth":
            error = torch.where(valid, (depth - wanted).abs() / wanted, 0.0)
        else:
            error = (normalise(depth, valid) - normalise(wanted, valid)).abs()
        means = error.flatten(1).sum(1) / valid.flatten(1).sum(1).clamp(min=1)
        for sample, mean in zip(data_samples, means, strict=True):
            sample.measures = {"difference": mean.cpu()}
        return data_samples

    def carried_config(self, config: dict) -> dict:
        """Return `config` with the student as a `DepthEstimator`, and what it was distilled from."""
        student = {key: value for key, value in config["model"].items() if key != "teacher"}
        published = {"model": f"a student of {self.teacher.name}", "distilled_from": self._source}
        if self.teacher.licence:
            note = self.teacher.licence.get("licence_note")
            published["licence"] = self.teacher.licence["licence"]
            published["licence_note"] = f"that of its teacher, {self.teacher.name}" + (f": {note}" if note else "")
        return {**config, "model": {**student, "type": "DepthEstimator"}, "published": published}

    @property
    def _source(self) -> str:
        return f"{self.teacher.name}, licence {self.teacher.licence.get('licence', 'not stated')}"

    def _ask(self, inputs: Tensor) -> Tensor:
        """Return what the student is to learn, (B, 1, H, W), of normalised images (B, 3, H, W)."""
        images = inputs * self.data_preprocessor.std + self.data_preprocessor.mean
        values = self.teacher(images.round().clamp(0, 255).to(torch.uint8), self.canonical_focal)
        return 1 / values if self.output == "disparity" and self.teacher.kind == "metric" else values

    def _check_kinds(self) -> None:
        if self.output == "relative_depth":
            raise InputError("output='relative_depth': expected 'depth' or 'disparity' of a student")
        losses = [type(loss).__name__ for loss in self.decode_head.losses if _compares(loss) == "depth"]
        others = [type(loss).__name__ for loss in self.decode_head.losses if _compares(loss) != "depth"]
        if self.teacher.kind == "relative" and (losses or self.output == "depth"):
            raise InputError(
                f"teacher {self.teacher.name} gives relative disparities, which {' and '.join(losses) or 'metres'} "
                "cannot compare; use losses up to scale and shift with output='disparity' (metric=False in the "
                "configs), or a metric teacher"
            )
        if self.canonical_focal is not None and not self.teacher.follows_focal:
            raise InputError(
                f"canonical_focal={self.canonical_focal:g}: the metres of the teacher {self.teacher.name} follow no "
                "focal length, so a student's cannot; set canonical_focal=None"
            )
        if self.output == "disparity" and losses:
            raise InputError(
                f"losses: {' and '.join(losses)} compares metres; expected ScaleShiftInvariantLoss or "
                "AlignedGradientLoss with output='disparity'"
            )
        if self.output == "depth" and others:
            raise InputError(
                f"losses: {' and '.join(others)} compares disparities up to scale and shift; expected losses of metres "
                "with output='depth', such as ScaleInvariantLogLoss"
            )


def _compares(loss: nn.Module) -> str:
    return getattr(loss, "compares", "depth")


def _count_parameters(model: nn.Module) -> int:
    """Count without token selectors, which a dense model of the same size does not have."""
    return sum(weight.numel() for name, weight in model.named_parameters() if "selector" not in name)
