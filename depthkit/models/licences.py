"""The licences of the weights that a training starts from, for what it saves."""

import os
from pathlib import Path

from mmengine.logging import print_log

from depthkit.models.weights import read_metadata

_AND = " AND "  # of SPDX expressions: the terms of both hold


def add_licences_of_start(config: dict) -> dict:
    """Add the licences of the checkpoints that a training starts from to its config.

    A checkpoint says its licence if it is a published model's, or was trained from one. Other files say none.
    Several licences are joined, and logged in one sentence.

    Args:
        config: plain, with `load_from` and `resume`, and what the model itself says in `published` if there is
            something.

    Returns:
        `config`, with `licence`, `licence_note` and `started_from` in `published` where a checkpoint has a licence;
        of a training that is resumed, `published` is that of its checkpoint.

    Raises:
        InputError: the description of a checkpoint is damaged or of a newer depthkit.
    """
    if config.get("resume"):
        resumed = _read_published(config["load_from"])
        return {**config, "published": resumed} if resumed else config
    for path in _starts(config):
        start, own = _read_published(path), config.get("published", {})
        if start.get("licence"):
            config = {**config, "published": {**own, **_join(own, start, Path(path).name)}}
    return config


def _join(own: dict, start: dict, file: str) -> dict:
    name = start.get("model", file)
    source = f"{name}, licence {start['licence']}"
    licences = {one: None for part in (own, start) for one in part.get("licence", "").split(_AND) if one}
    notes = {part["licence_note"]: None for part in (own, start) if part.get("licence_note")}
    joined = {
        "model": own.get("model", f"trained from {name}"),
        "licence": _AND.join(licences),
        "licence_note": "; ".join(notes),
        "started_from": source,
    }
    if len(licences) > 1:
        print_log(
            f"weights of several licences: {joined['model']}, licence {own['licence']}, starts from {source}; what is "
            f"saved says {joined['licence']}",
            logger="current",
        )
    return joined


def _starts(config: dict) -> list[str]:
    """Return the local files that a training starts from."""
    model = config.get("model")
    parts = [part for part in (model, isinstance(model, dict) and model.get("backbone")) if isinstance(part, dict)]
    given = [config.get("load_from"), *(part.get("pretrained") for part in parts)]
    return [path for path in given if isinstance(path, str) and os.path.isfile(os.path.expanduser(path))]


def _read_published(path: str) -> dict:
    info = read_metadata(path)
    return info.config.get("published", {}) if info else {}
