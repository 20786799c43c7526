"""Teaching ToSA's token selectors what the next layer attends to, on pictures without labels."""

import torch
from mmengine.model import BaseModel
from mmseg.structures import SegDataSample
from torch import Tensor

from depthkit.errors import InputError
from depthkit.models.distillers.pair_maps import read_pair_maps
from depthkit.registry import MODELS


@MODELS.register_module()
class SelectorDistiller(BaseModel):
    """A frozen dense model, whose token selectors learn to predict its own attention, one layer ahead.

    The loss is the KL divergence of the predicted from the true attention of the second layer of each pair,
    on randomly sampled rows. No labels are needed. A checkpoint of this
    model is read by ``ToSA(pretrained=...)``: its weights are under ``backbone.``.

    Args:
        backbone: config of a ToSA. Its `keep_rate` is the one at which the selection is measured; the layers
            themselves run densely.
        num_rows: rows of the attention maps, sampled anew in each iteration.
        data_preprocessor, init_cfg: as mmengine's.

    Raises:
        InputError: the backbone is no ToSA, or has no layer to select tokens in.
    """

    def __init__(
        self,
        backbone: dict,
        num_rows: int = 32,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(MODELS.build(data_preprocessor) if data_preprocessor else None, init_cfg)
        if num_rows < 1:
            raise InputError(f"num_rows={num_rows}: expected 1 or more rows of the attention maps")
        self.num_rows = num_rows
        self.backbone = MODELS.build(backbone)
        blocks = getattr(self.backbone, "blocks", [])[1::2]
        selectors = [block.selector for block in blocks if hasattr(block, "selector")]
        if not selectors:
            raise InputError(f"backbone: {type(self.backbone).__name__} has no token selectors; expected type='ToSA'")
        self.keep_rates = self.backbone.keep_rate
        self.backbone.keep_rate = 1.0
        self.backbone.requires_grad_(False)
        for selector in selectors:
            selector.requires_grad_(True)

    def train(self, mode: bool = True) -> "SelectorDistiller":
        """Set the mode; the frozen backbone stays in evaluation mode, without dropout."""
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(
        self, inputs: Tensor, data_samples: list[SegDataSample] | None = None, mode: str = "tensor"
    ) -> Tensor | dict[str, Tensor] | list[SegDataSample]:
        """Normalised images (B, 3, H, W): ``tensor`` gives the dense model's tokens (B, N, C), ``loss`` a
        dict of losses, ``predict`` data samples with `measures` (see there)."""
        if mode == "tensor":
            return self.backbone.forward_features(inputs)
        if mode == "loss":
            return self.loss(inputs)
        if mode == "predict":
            return self.predict(inputs, data_samples)
        raise ValueError(f"mode={mode!r}: expected 'tensor', 'loss' or 'predict'")

    def loss(self, inputs: Tensor) -> dict[str, Tensor]:
        """``loss_selector``: KL divergence, mean over images, layers, heads and the sampled rows."""
        pairs = read_pair_maps(self.backbone, inputs)
        tokens = pairs[0].key.shape[2]
        rows = torch.randperm(tokens, device=inputs.device)[: self.num_rows]
        return {"loss_selector": torch.stack([pair.loss(rows) for pair in pairs]).mean()}

    @torch.no_grad()
    def predict(self, inputs: Tensor, data_samples: list[SegDataSample] | None = None) -> list[SegDataSample]:
        """Give each image's sample `measures`, one number for each pair of layers (L,).

        ``kl``: divergence over all rows; ``found``: the part of the oracle's choice of patches (by the true
        map of the second layer) that the selector finds; ``kl_identity`` and ``found_identity``: the same
        for the selector as it starts, which takes the current map for the next one.
        """
        samples = data_samples or [SegDataSample() for _ in inputs]
        pairs = read_pair_maps(self.backbone, inputs)
        rates = list(zip(pairs, self.keep_rates, strict=True))
        measures = {
            "kl": [pair.divergence(True) for pair in pairs],
            "kl_identity": [pair.divergence(False) for pair in pairs],
            "found": [pair.found(rate, True) for pair, rate in rates],
            "found_identity": [pair.found(rate, False) for pair, rate in rates],
        }
        stacked = {name: torch.stack(values, dim=1).cpu() for name, values in measures.items()}
        for i, sample in enumerate(samples):
            sample.measures = {name: values[i] for name, values in stacked.items()}
        return samples

    def _dump_init_info(self) -> None:
        """Nothing: mmengine would log three lines for each of 200 parameters; `load_backbone` reports in
        one."""
