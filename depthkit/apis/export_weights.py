"""Export the weights of a checkpoint alone."""

import json
from pathlib import Path

from safetensors.torch import save

from depthkit.errors import InputError
from depthkit.models.weights import METADATA_KEY, read_metadata, read_state_dict
from depthkit.utils.io import atomic_path


def export_weights(checkpoint: str | Path, out: str | Path) -> Path:
    """Write the weights of `checkpoint` to a ``.safetensors``, without what only a training needs.

    Optimizer, schedulers, history and the second set of weights of a moving average are left out. The weights are
    those that evaluation uses: mmengine saves the averaged ones as the model's. The description of the model
    (`CheckpointInfo`) goes into the header as JSON, so the file stands alone as `checkpoint` does.

    Args:
        checkpoint: a file of the training.
        out: the file to write, in a folder that exists; one that is there is replaced.

    Returns:
        The path of `out`.

    Raises:
        InputError: `checkpoint` cannot be read, or `out` cannot be written or has another suffix.
    """
    out = Path(out).expanduser()
    if out.suffix != ".safetensors":
        raise InputError(f"{out}: weights are exported as .safetensors; give the file that suffix")
    info = read_metadata(checkpoint)
    state = {key: value.contiguous().clone() for key, value in read_state_dict(checkpoint).items()}
    header = {"format": "pt"}
    if info is not None:
        header[METADATA_KEY] = json.dumps(info.to_plain())
    with atomic_path(out) as temporary:
        temporary.write_bytes(save(state, metadata=header))  # save_file has errors of its own for a full disk
    return out
