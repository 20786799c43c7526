"""What a checkpoint says about itself: the block ``depthkit`` in the files that training saves."""

import dataclasses
from pathlib import Path
from typing import Literal

from packaging.version import InvalidVersion, Version
from pydantic import TypeAdapter, ValidationError

import depthkit
from depthkit.errors import InputError
from depthkit.utils.validation import describe

# Models that do not estimate depth, and what they give.
_KINDS = {"Classifier": "classes", "SelectorDistiller": "tokens", "TokenDistiller": "tokens"}


@dataclasses.dataclass(frozen=True)
class CheckpointInfo:
    """The description of a trained model that its checkpoint carries; plain data throughout.

    Attributes:
        version: depthkit's version that saved it.
        config: the config of the training, from `depthkit.utils.config.config_to_plain`.
        config_name: its file's name, without the suffix.
        kind: what the model gives: metric or relative depth, classes, or the tokens of a backbone.
        metrics: results of these weights on the validation data by name; empty where they were not measured.
    """

    version: str
    config: dict
    config_name: str
    kind: Literal["metric", "relative", "classes", "tokens"]
    metrics: dict[str, float]

    @classmethod
    def of_training(cls, config: dict, filename: str | None) -> "CheckpointInfo":
        """Describe a model that is trained by a plain `config` from the file `filename`."""
        model = config.get("model", {})
        depth = "metric" if model.get("output", "depth") == "depth" else "relative"
        kind = _KINDS.get(str(model.get("type", "")).rpartition(".")[2], depth)
        name = Path(filename).stem if filename else "config"
        return cls(depthkit.__version__, config, name, kind, {})

    @classmethod
    def from_plain(cls, block: object, path: str | Path) -> "CheckpointInfo":
        """Read the block of the checkpoint at `path`.

        Raises:
            InputError: the block is damaged, or of a newer version of depthkit.
        """
        version = block.get("version") if isinstance(block, dict) else None
        try:
            if Version(version) > Version(depthkit.__version__):
                raise InputError(
                    f"{path}: was saved by depthkit {version}, which is newer than this one "
                    f"({depthkit.__version__}); upgrade with: pip install --upgrade depthkit"
                )
            return TypeAdapter(cls).validate_python(block)
        except ValidationError as error:
            reason = describe(error)
        except (InvalidVersion, TypeError):
            reason = f"version: {version!r}"
        raise InputError(
            f"{path}: its description of the model is damaged ({reason}); give the config that it was trained with too"
        )

    def to_plain(self) -> dict:
        """Return the block as a dict."""
        return dataclasses.asdict(self)
