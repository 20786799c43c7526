"""Training ToSA's token selectors to predict the next layer's attention, on images without labels."""

import torch
from mmseg.structures import SegDataSample
from torch import Tensor

from depthkit.errors import InputError
from depthkit.models.backbones import ToSA
from depthkit.models.base_model import DepthkitModel
from depthkit.models.distillers.pair_maps import read_pair_maps
from depthkit.registry import MODELS
from depthkit.utils.validation import Count, validate_arguments


@MODELS.register_module()
class SelectorDistiller(DepthkitModel):
    """A frozen dense model whose token selectors learn to predict its own attention, one layer ahead.

    The loss is the KL divergence of the predicted from the true attention of the second layer of each pair,
    on randomly sampled rows. No labels are needed. A checkpoint of this model is read by ``ToSA(pretrained=...)``:
    its weights are under ``backbone.``.

    Args:
        backbone: config of a ToSA. Its `keep_rate` is the one at which the selection is measured; the layers
            themselves run densely.
        num_rows: rows of the attention maps, sampled anew in each iteration.
        data_preprocessor: config of the module that stacks and normalises the images.
        init_cfg: as mmengine's.

    Raises:
        InputError: an argument is wrong, or the backbone is not a ToSA with token selectors.
    """

    @validate_arguments
    def __init__(
        self,
        backbone: dict,
        num_rows: Count = 32,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.num_rows = num_rows
        self.backbone = MODELS.build(backbone)
        selective = self.backbone.choosing_blocks if isinstance(self.backbone, ToSA) else []
        if not selective:
            raise InputError(f"backbone: {type(self.backbone).__name__} has no token selectors; expected type='ToSA'")
        if selective[0].importance != "attention":
            raise InputError(
                f"backbone: importance='{selective[0].importance}' has no selector that predicts attention; expected "
                "importance='attention'"
            )
        self.keep_rates = [block.keep_rate for block in selective]
        self.backbone.keep_rate = 1.0
        self.backbone.requires_grad_(False)
        for block in selective:
            block.selector.requires_grad_(True)

    def train(self, mode: bool = True) -> "SelectorDistiller":
        """Set the mode; the frozen backbone stays in evaluation mode, without dropout."""
        super().train(mode)
        self.backbone.eval()
        return self

    def loss(self, inputs: Tensor, data_samples: list[SegDataSample] | None = None) -> dict[str, Tensor]:
        """Return ``loss_selector``: KL divergence, mean over images, layers, heads and the sampled rows."""
        pairs = read_pair_maps(self.backbone, inputs)
        tokens = pairs[0].key.shape[2]
        rows = torch.randperm(tokens, device=inputs.device)[: self.num_rows]
        return {"loss_selector": torch.stack([pair.loss(rows) for pair in pairs]).mean()}

    @torch.no_grad()
    def predict(self, inputs: Tensor, data_samples: list[SegDataSample]) -> list[SegDataSample]:
        """Give each image's sample `measures`, one number for each pair of layers (L,).

        ``kl``: divergence over all rows; ``found``: the fraction of the oracle's choice of patches (by the true
        map of the second layer) that the selector finds; ``kl_identity`` and ``found_identity``: the same
        for the selector as it starts, which takes the current map for the next one.
        """
        pairs = read_pair_maps(self.backbone, inputs)
        rates = list(zip(pairs, self.keep_rates, strict=True))
        measures = {
            "kl": [pair.divergence(True) for pair in pairs],
            "kl_identity": [pair.divergence(False) for pair in pairs],
            "found": [pair.found(rate, True) for pair, rate in rates],
            "found_identity": [pair.found(rate, False) for pair, rate in rates],
        }
        stacked = {name: torch.stack(values, dim=1).cpu() for name, values in measures.items()}
        for i, sample in enumerate(data_samples):
            sample.measures = {name: values[i] for name, values in stacked.items()}
        return data_samples

    def _forward(self, inputs: Tensor) -> Tensor:
        """Return the dense model's tokens (B, N, C) for images (B, 3, H, W)."""
        return self.backbone.forward_features(inputs)
