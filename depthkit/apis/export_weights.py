"""Export weights alone: those of a checkpoint, or of a published model as a checkpoint of depthkit."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from safetensors.torch import save
from torch import Tensor

from depthkit.errors import InputError
from depthkit.models.checkpoint_file import CHECKSUM_KEY, METADATA_KEY, checksum
from depthkit.models.checkpoint_info import CheckpointInfo
from depthkit.models.selective import (
    Form,
    arguments_of_form,
    check_has_keep_rate,
    describe_selection,
    form_of,
    make_selective,
)
from depthkit.models.weights import read_metadata, read_state_dict
from depthkit.utils.config import config_to_plain
from depthkit.utils.output_file import atomic_path, check_output_file
from depthkit.utils.paths import expand_home
from depthkit.zoo.configs import Preprocessing, make_config
from depthkit.zoo.loading import load_model
from depthkit.zoo.table import find_model
from depthkit.zoo.zoo_model import ZooModel


def export_weights(checkpoint: str | Path, out: str | Path) -> Path:
    """Write the weights of `checkpoint` to a ``.safetensors``, without what only a training needs.

    Optimizer, schedulers, history and the second set of weights of a moving average are left out. The weights are
    those that evaluation uses: mmengine saves the averaged ones as the model's. The description of the model
    (`CheckpointInfo`) goes into the header as JSON, so the file stands alone as `checkpoint` does.

    Args:
        checkpoint: a file of the training.
        out: the file to write; its folder is made, and a file that is there is replaced.

    Returns:
        The path of `out`.

    Raises:
        InputError: `checkpoint` cannot be read, or `out` cannot be written or has another suffix.
    """
    out = check_safetensors(out)
    return write_weights(out, read_state_dict(checkpoint), read_metadata(checkpoint))


def export_published(
    name: str,
    out: str | Path,
    weights: str | Path | None = None,
    input_size: int | None = None,
    preprocessing: Preprocessing = "authors",
    keep_rate: float | Sequence[float] | None = None,
    selection: Form | None = None,
    selective_layers: Sequence[int] | None = None,
) -> Path:
    """Write a published model as a checkpoint of depthkit, a ``.safetensors`` that carries its config.

    It then serves like one that was trained here. The config says what was published by whom under which licence
    (``published``), and how a ToSA of it selects; of a model in metres it names NYU Depth V2 in ``data/nyu`` as test
    data.

    Args:
        name: as `depthkit models` lists it.
        out: the file to write; its folder is made, and a file that is there is replaced.
        weights: a file of it; None: the published one, from the hub's cache or downloaded into it.
        input_size: see `make_config`.
        preprocessing: see `make_config`.
        keep_rate: make it a ToSA, see `make_selective`; None: dense.
        selection: of a ToSA; only with a `keep_rate`.
        selective_layers: of a ToSA; only with a `keep_rate`.

    Returns:
        The path of `out`.

    Raises:
        InputError: as `DepthPredictor.from_pretrained`, or `out` cannot be written or has another suffix.
    """
    out = check_safetensors(out)
    check_has_keep_rate(keep_rate, selection, selective_layers)
    published = find_model(name)
    config = make_config(published, weights, input_size, preprocessing)
    model = load_model(published, config, weights)
    if keep_rate is not None:
        model = make_selective(model, keep_rate, selection, selective_layers)
        config["model"]["backbone"] |= {
            "type": "ToSA",
            "keep_rate": model.backbone.keep_rate,
            "selective_layers": model.backbone.selective_layers,
            **arguments_of_form(form_of(model.backbone)),
        }
        config["published"] |= describe_selection(model.backbone)
    config |= _test_data(published, config["test_pipeline"])
    info = CheckpointInfo.of_training(config_to_plain(Config(config)), f"{name}.py")
    return write_weights(out, model.state_dict(), info)


def _test_data(published: ZooModel, pipeline: list[dict]) -> dict:
    if published.output != "metric":
        return {}
    dataset = {"type": "NYUDepthV2", "data_root": "data/nyu", "split": "test", "pipeline": pipeline}
    sampler = {"type": "DefaultSampler", "shuffle": False}
    loader = {"batch_size": 1, "num_workers": 2, "persistent_workers": True, "sampler": sampler, "dataset": dataset}
    return {"test_dataloader": loader, "test_evaluator": {"type": "DepthProtocolMetric", "protocol": "eigen"}}


def check_safetensors(out: str | Path) -> Path:
    """Return the path of a file of weights that can be written, before the work whose result it is.

    Raises:
        InputError: it cannot be written, or has another suffix.
    """
    out = expand_home(out)
    if out.suffix != ".safetensors":
        raise InputError(f"{out}: weights are exported as .safetensors; give the file that suffix")
    check_output_file(out)
    return out


def write_weights(out: Path, state: Mapping[str, Tensor], info: CheckpointInfo | None) -> Path:
    """Write weights by name, of any shape, with the description of their model; return the path of `out`.

    Raises:
        InputError: `out` cannot be written.
    """
    header = {"format": "pt"}
    if info is not None:
        header[METADATA_KEY] = json.dumps(info.to_plain())
    tensors = {key: value.contiguous().clone() for key, value in state.items()}
    header[CHECKSUM_KEY] = checksum(tensors, header)
    with atomic_path(out) as temporary:
        temporary.write_bytes(save(tensors, metadata=header))  # save_file has errors of its own for a full disk
    return out
