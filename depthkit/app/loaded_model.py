"""The one model in memory, and what it makes of an image: depth, its cost, and the attended tokens."""

import copy
import gc
import time
from dataclasses import dataclass

import numpy as np
import torch

from depthkit.apis.focal import FocalRequest
from depthkit.apis.predictor import DepthPredictor
from depthkit.apis.result import DepthResult
from depthkit.app.answers import Cost, LayerTokens, Pass
from depthkit.app.choices import Choice
from depthkit.app.observation import Observation, observe
from depthkit.errors import InputError
from depthkit.models import EViT, ToSA
from depthkit.models.selection_maps import selection_maps
from depthkit.models.selective import share_parameters
from depthkit.runtimes.names import RuntimeRequest
from depthkit.utils.image_decoding import open_content
from depthkit.utils.macs import count_macs

TORCH = "torch float32"  # as `LoadedModel.runtime_of` calls it
_ENOUGH_SECONDS = 1.0  # that timing takes; a large model is timed once
_MOST_COUNTS = 64  # of multiply-accumulates that are remembered, one for each keep rate and size


@dataclass(frozen=True)
class Prediction:
    """What a model made of an image.

    Attributes:
        result: the depth.
        cost: what it took, beside the model without token selection.
        tokens: of the layers that select tokens.
        selectors_trained: whether what selects them was trained with the model, and not made for this keep rate.
        runtime: what runs the model as it is; `Cost.runtime` says what ran this form of it.
    """

    result: DepthResult
    cost: Cost
    tokens: list[LayerTokens]
    selectors_trained: bool
    runtime: str


class LoadedModel:
    """A model, in its own form and in that of one keep rate, which share their parameters.

    The forms of keep rates run in torch: the graph of each would have to be exported. So does the dense form that they
    are compared with.

    Args:
        choice: the model.
        device: see `depthkit.utils.device.select_device`.
        asked: what runs the model's own form.

    Raises:
        InputError: the model, the device or the runtime cannot be used.
    """

    def __init__(self, choice: Choice, device: str, asked: RuntimeRequest) -> None:
        self.choice = choice
        self._precision = asked.precision
        published = choice.weights is None
        self._in_torch = (
            DepthPredictor.from_pretrained(choice.name, device=device)
            if published
            else DepthPredictor(choice.weights, device=device)
        )
        self._own = copy.copy(self._in_torch)
        self._own.model = share_parameters(self._in_torch.model)  # the other stays in torch
        self._own.use_runtime(*asked)
        self._forms: dict[float, DepthPredictor] = {}
        self._macs: dict[tuple[float | None, tuple[int, ...]], int] = {}
        self._own(np.zeros((64, 64, 3), np.uint8))  # the first pass is slower than all others

    def predict(
        self, content: bytes, name: str, focal: FocalRequest, keep_rate: float | None, most_pixels: int
    ) -> Prediction:
        """Predict the depth of an image.

        Args:
            content: of the image's file.
            name: of the file, for messages.
            focal: see `DepthPredictor`.
            keep_rate: fraction of the patches that attend in the token selective layers; None: the model as it is.
            most_pixels: of the image, as its header declares them.

        Raises:
            InputError: the file is not an image, damaged or too large; the focal length is wrong; or the model has no
                token selective form.
        """
        form = self.form(keep_rate)
        with open_content(content, name) as image:
            pixels = image.width * image.height
            if pixels > most_pixels:
                raise InputError(
                    f"{name}: has {pixels / 1e6:.4g} megapixels ({image.width} x {image.height}); this page takes "
                    f"{most_pixels / 1e6:g} at most, so make it smaller, or start the page with --max-megapixels"
                )
            image.filename = name  # for messages
            with observe(form.model) as passes:
                result = form(image, focal)
        cost = self._cost(form, keep_rate, passes[-1], result)
        trained = form is self._own or isinstance(self._own.model.backbone, ToSA)
        return Prediction(result, cost, _tokens(form, passes[-1]), trained, self.runtime_of(None))

    def form(self, keep_rate: float | None) -> DepthPredictor:
        """Return the predictor of a keep rate; see `predict`.

        Raises:
            InputError: the model has no token selective form.
        """
        if keep_rate is None:
            return self._own
        if keep_rate not in self._forms:
            form = copy.copy(self._in_torch)
            form.select_tokens(keep_rate)
            self._forms = {rate: self._forms[rate] for rate in self._forms if rate == 1.0} | {keep_rate: form}
        return self._forms[keep_rate]

    def runtime_of(self, keep_rate: float | None) -> str:
        """Return what runs the form of a keep rate: the runtime and its precision."""
        return f"{self._own.runtime} {self._precision}" if keep_rate is None else TORCH

    def _cost(self, form: DepthPredictor, keep_rate: float | None, passed: Observation, result: DepthResult) -> Cost:
        backbone, seconds, dense = form.model.backbone, passed.seconds, None
        if isinstance(backbone, ToSA) and min(backbone.keep_rate) < 1 and self.runtime_of(keep_rate) == TORCH:
            all_rate = 1.0 if isinstance(self._in_torch.model.backbone, ToSA) else None
            all_tokens = self._in_torch if all_rate is None else self.form(all_rate)
            seconds, dense_seconds = _time_in_turn(form, all_tokens, result.image, passed.seconds)
            dense = Pass(seconds=dense_seconds, macs=self._count(all_tokens, all_rate, passed))
        height, width = passed.inputs.shape[-2:]
        model = Pass(seconds=seconds, macs=self._count(form, keep_rate, passed))
        return Cost(
            device=str(form.device),
            runtime=self.runtime_of(keep_rate),
            input_height=height,
            input_width=width,
            model=model,
            dense=dense,
        )

    def _count(self, form: DepthPredictor, keep_rate: float | None, passed: Observation) -> int:
        key = keep_rate, tuple(passed.inputs.shape)
        if key not in self._macs:
            if len(self._macs) >= _MOST_COUNTS:
                self._macs.clear()
            self._macs[key] = count_macs(form.model, passed.inputs)
        return self._macs[key]


class OneModel:
    """The place of one model: another one takes it.

    Args:
        device: see `LoadedModel`.
        asked: see `LoadedModel`.
    """

    def __init__(self, device: str, asked: RuntimeRequest) -> None:
        self._device, self._asked = device, asked
        self._loaded: LoadedModel | None = None

    def get(self, choice: Choice) -> LoadedModel:
        """Return a model, loaded if it was not; the one before is freed first.

        Raises:
            InputError: see `LoadedModel`.
        """
        if self._loaded is None or self._loaded.choice != choice:
            self._loaded = None
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            self._loaded = LoadedModel(choice, self._device, self._asked)
        return self._loaded


def _time_in_turn(
    form: DepthPredictor, dense: DepthPredictor, image: np.ndarray, seconds: float
) -> tuple[float, float]:
    """Return the shortest times [s] of two forms of a model, in turn, as a machine is often busy.

    Args:
        form: the one.
        dense: the other.
        image: uint8 RGB (H, W, 3).
        seconds: what the first took already.
    """
    times: dict[DepthPredictor, list[float]] = {form: [seconds], dense: []}
    begin = time.perf_counter()
    for one in (dense, form, dense):
        with observe(one.model) as passes:
            one(image)
        times[one].append(passes[-1].seconds)
        if times[dense] and time.perf_counter() - begin > _ENOUGH_SECONDS:
            break
    return min(times[form]), min(times[dense])


def _tokens(form: DepthPredictor, passed: Observation) -> list[LayerTokens]:
    """Return which patches of the image went through each layer that selects some."""
    backbone = form.model.backbone
    if not isinstance(backbone, ToSA | EViT):
        return []
    padded = form.model.pad(passed.inputs)
    seen = passed.sample.metainfo.get("img_shape", passed.inputs.shape[-2:])
    covers = tuple(side / own for side, own in zip(padded.shape[-2:], seen, strict=False))
    layers = []
    for layer, sets in selection_maps(backbone, padded).items():
        attended = sets.any(axis=0)
        rows = ["".join("1" if one else "0" for one in row) for row in attended]
        layers.append(
            LayerTokens(layer=layer, heads=len(sets), fraction=float(attended.mean()), rows=rows, covers=covers)
        )
    return layers
