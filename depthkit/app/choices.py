"""The models that the page offers: the packaged one, files, and published ones that are here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from depthkit.errors import InputError
from depthkit.zoo import packaged
from depthkit.zoo.download import cached_weights
from depthkit.zoo.table import MODELS, find_model

if TYPE_CHECKING:
    from depthkit.zoo.zoo_model import ZooModel


@dataclass(frozen=True)
class Choice:
    """A model that a visitor can choose.

    Attributes:
        name: what it is called on the page; nobody can ask for a model, or a file, of another name.
        gives: what its results are.
        weights: the file; None: a published model, by its name.
        licence: of the weights; None where it is not known.
    """

    name: str
    gives: str
    weights: Path | None = None
    licence: str | None = None


def list_choices(model: str | None = None, weights: Sequence[str | Path] = ()) -> dict[str, Choice]:
    """List the models of the page by name; the first is used where none is asked for.

    Args:
        model: a published model that comes first; its file must be in the cache already.
        weights: files that come next, in this order.

    Raises:
        InputError: there is no such model, or two files have the same name.
    """
    found: list[Choice] = []
    if model is not None:
        found.append(_packaged() if model == packaged.PACKAGED_MODEL else _published(find_model(model)))
    found += [Choice(Path(file).name, "what it was trained for", Path(file)) for file in weights]
    names = [choice.name for choice in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{twice[0]}: two models of this name; rename one of the files")
    found += [_packaged()] if packaged.find_packaged() else []
    found += [_published(known) for known in MODELS.values() if cached_weights(known)]
    choices: dict[str, Choice] = {}
    for choice in found:
        choices.setdefault(choice.name, choice)
    if not choices:
        raise InputError("there is no model here; give --weights FILE, or --model NAME, which downloads one")
    return choices


def _packaged() -> Choice:
    return Choice(packaged.PACKAGED_MODEL, packaged.GIVES, licence=packaged.LICENCE)


def _published(model: "ZooModel") -> Choice:
    return Choice(model.name, model.gives, licence=model.licence)
