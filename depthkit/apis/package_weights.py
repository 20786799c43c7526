"""Write a trained model in the form in which depthkit carries it."""

import copy
import dataclasses
from pathlib import Path

from mmengine.config import Config

from depthkit.apis.export_weights import check_safetensors, write_weights
from depthkit.errors import InputError
from depthkit.models.checkpoint_info import CheckpointInfo
from depthkit.models.weights import forget_pretrained, load_weights, read_metadata
from depthkit.registry import MODELS, depthkit_scope
from depthkit.utils.config import config_to_plain
from depthkit.zoo.packaged import LICENCE, PACKAGED_MODEL, PUBLISHED


def package_weights(checkpoint: str | Path, out: str | Path, config: Config) -> Path:
    """Write the weights of `checkpoint` in float16, with `config` and what is published of them.

    Args:
        checkpoint: a file of the training; its own config is left out, because it names folders of the machine that
            trained the model. Its metrics are kept.
        out: the ``.safetensors`` to write; its folder is made, and a file that is there is replaced.
        config: that the model was trained with.

    Returns:
        The path of `out`.

    Raises:
        InputError: `checkpoint` cannot be read, is of another model than `config` has or under another licence than
            the packaged model, or has values that float16 does not hold; or `out` cannot be written.
    """
    out = check_safetensors(out)
    trained = read_metadata(checkpoint)
    if trained is None:
        raise InputError(f"{checkpoint}: carries no config; give a checkpoint that `depthkit train` wrote")
    licence = (trained.config.get("published") or {}).get("licence", LICENCE)
    if licence != LICENCE:
        raise InputError(
            f"{checkpoint}: its weights are under {licence}, and {PACKAGED_MODEL} is under {LICENCE}; package weights "
            "that were trained without others of another licence"
        )
    plain = {**config_to_plain(config), "published": PUBLISHED}
    model_config = copy.deepcopy(config.model)
    forget_pretrained(model_config)
    with depthkit_scope():
        model = MODELS.build(model_config)
    load_weights(model, checkpoint)
    state = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    for name, value in state.items():
        if not value.isfinite().all():
            raise InputError(f"{checkpoint}: {name} has values that float16 does not hold; train with weight decay")
    info = CheckpointInfo.of_training(plain, config.filename)
    return write_weights(out, state, dataclasses.replace(info, metrics=trained.metrics))
