"""`depthkit models`."""

import dataclasses
from typing import TYPE_CHECKING

import click

from depthkit.cli import options
from depthkit.cli.command import Command

if TYPE_CHECKING:
    from depthkit.zoo.zoo_model import ZooModel

_OUTPUTS = {
    "disparity": "relative disparity: larger is nearer, of unknown scale and shift",
    "relative_depth": "relative depth, of unknown scale; results have its inverse, a disparity",
    "metric": None,
}


@click.command(
    "models",
    cls=Command,
    examples=("depthkit models", "depthkit models depth-anything-v2-small", "depthkit models --json models.json"),
)
@click.argument("name", required=False, metavar="[NAME]", shell_complete=options.complete_zoo_model)
@options.json_file
def main(name, json_path) -> None:
    """List the models that can be used by name.

    One comes with depthkit, the others are published by their authors. With a NAME: where its file is, what the licence
    is, what to cite. The name is what `depthkit predict --model NAME` takes.
    """
    options.check_output(json_path)
    from depthkit.zoo.packaged import PACKAGED_MODEL
    from depthkit.zoo.table import MODELS, find_model

    packaged = name in (None, PACKAGED_MODEL)
    models = list(MODELS.values()) if name is None else [] if packaged else [find_model(name)]
    if name is None:
        _print_table(models)
    elif packaged:
        _print_packaged()
    else:
        _print_details(models[0])
    if json_path:
        content = [_packaged_as_json()] if packaged else []
        options.write_json(json_path, content + [_as_json(model) for model in models])


def _print_table(models: "list[ZooModel]") -> None:
    from depthkit.zoo import packaged
    from depthkit.zoo.download import cached_weights

    head = ("name", "weights", "gives", "licence", "file", "")
    here = packaged.find_packaged()
    size, place = (f"{here.stat().st_size / 1e6:.0f} MB", "here") if here else ("", "")
    rows = [
        (packaged.PACKAGED_MODEL, f"{packaged.PARAMETERS / 1e6:.0f} M", packaged.GIVES, packaged.LICENCE, size, place)
    ]
    rows += [
        (
            model.name,
            f"{model.architecture.parameters / 1e6:.0f} M",
            model.gives,
            model.licence,
            _megabytes(model),
            "here" if cached_weights(model) else "",
        )
        for model in models
    ]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    right = (1, 4)  # numbers
    for row in (head, *rows):
        cells = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        print("  ".join(cells).rstrip())
    print(
        f"\n{packaged.PACKAGED_MODEL} comes with depthkit and needs no network.\n"
        "weights: number of them. ~: computed from it. here: the file is in the cache.\n"
        "disparity: larger is nearer, of unknown scale and shift.\n"
        "`depthkit models NAME` says more of a model, and of an unresolved licence."
    )


def _print_packaged() -> None:
    from depthkit.zoo import packaged

    print(packaged.PACKAGED_MODEL)
    known = (
        ("gives", packaged.GIVES),
        ("weights", f"{packaged.PARAMETERS:,}"),
        ("licence", f"{packaged.LICENCE} ({packaged.LICENCE_NOTE})"),
        ("here", str(packaged.find_packaged() or "no; install depthkit again")),
        ("card", packaged.CARD),
    )
    for label, text in known:
        print(f"  {label:<8} {text}")


def _packaged_as_json() -> dict:
    from depthkit.zoo import packaged

    here = packaged.find_packaged()
    return {
        "name": packaged.PACKAGED_MODEL,
        "output": "metric",
        "kind": "metric",
        "licence": packaged.LICENCE,
        "licence_note": packaged.LICENCE_NOTE,
        "size": here.stat().st_size if here else None,
        "cached": here,
    }


def _print_details(model: "ZooModel") -> None:
    from depthkit.zoo.download import cache_folder, cached_weights

    here = cached_weights(model)
    known = (
        ("title", model.title),
        ("gives", _OUTPUTS[model.output] or model.gives),
        ("weights", f"{model.architecture.parameters:,}"),
        ("input", f"{model.input_size} px, multiples of {model.architecture.multiple} px"),
        ("licence", f"{model.licence} ({model.licence_note})"),
        ("paper", str(model.paper)),
        ("file", f"{model.file}, {_megabytes(model)}"),
        ("from", model.url),
        ("", f"https://huggingface.co/{model.transformers_repo}" if model.transformers_repo else ""),
        ("SHA-256", model.sha256 or "not on record; the hub's own is checked"),
        ("here", str(here) if here else f"no; it would be downloaded to {cache_folder()}"),
        ("", f"or fetch it by hand: depthkit predict IMAGE --model {model.name} --weights FILE"),
    )
    print(model.name)
    for label, text in known:
        if text:
            print(f"  {label:<8} {text}")


def _as_json(model: "ZooModel") -> dict:
    from depthkit.zoo.download import cached_weights

    return dataclasses.asdict(model) | {"url": model.url, "kind": model.kind, "cached": cached_weights(model)}


def _megabytes(model: "ZooModel") -> str:
    about = "" if model.size else "~"
    return f"{about}{model.approximate_size / 1e6:.0f} MB"
