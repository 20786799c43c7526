"""The options that several commands share: one spelling and one meaning for all of them."""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from depthkit.cli.command import PathName, VariadicOption
from depthkit.errors import InputError
from depthkit.utils import image_files
from depthkit.utils.output_file import atomic_path, check_output_file
from depthkit.utils.output_folder import check_output_folder
from depthkit.utils.paths import expand_home

if TYPE_CHECKING:
    from mmengine.config import Config

    from depthkit.apis.predictor import DepthPredictor

OLD_WEIGHTS = {"--checkpoint": "--weights"}  # for `Command(aliases=...)`


def complete_zoo_model(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of the published models that begin with `incomplete`, for the shell."""
    from depthkit.zoo.packaged import PACKAGED_MODEL
    from depthkit.zoo.table import MODELS

    return [name for name in (PACKAGED_MODEL, *MODELS) if name.startswith(incomplete)]


def _parse_config_options(ctx: click.Context, param: click.Parameter, pairs: Sequence[str]) -> dict[str, Any] | None:
    """Parse KEY=VALUE as mmengine does: numbers, True/False/None, `(224,304)`, `[a,b]`, else text."""
    if not pairs:
        return None
    for pair in pairs:
        if "=" not in pair or pair.startswith("="):
            raise click.BadParameter(f"expected KEY=VALUE, got '{pair}'", ctx, param)
    from mmengine.config import DictAction

    parsed = argparse.Namespace()
    try:
        DictAction([], "options")(None, parsed, list(pairs))
    except (AssertionError, ValueError, IndexError, RecursionError) as error:  # brackets that do not match
        message = f"cannot parse {' '.join(pairs)}; expected values such as (224,304)"
        raise click.BadParameter(message, ctx, param) from error
    return parsed.options


def _cfg_options(config: str) -> Callable:
    """Make the option --cfg-options of a command whose help calls the config so."""
    return click.option(
        "--cfg-options",
        cls=VariadicOption,
        callback=_parse_config_options,
        metavar="KEY=VALUE ...",
        help=f"Change values of {config}: data_root=/data/nyu, img_size=(224,304), model.test_cfg.flip=True.",
    )


config = click.option(
    "--config",
    metavar="NAME|FILE.py",
    help="The config that the weights were trained with. For weights that do not carry it, and for --cfg-options.",
)
zoo_model = click.option(
    "--model",
    metavar="NAME",
    shell_complete=complete_zoo_model,
    help="A published model, of those that `depthkit models` lists; its weights are downloaded once.",
)
weights_of_zoo_model = click.option(
    "--weights",
    metavar="FILE",
    help="A .pth or .safetensors file that `train` or `export-weights` wrote; with --model a published one that was "
    "fetched by hand.",
)
input_size = click.option(
    "--input-size",
    type=click.IntRange(1, 4096),
    metavar="PX",
    help="With --model: what the size of the network's input is derived from; smaller is faster.  [default: the "
    "model's: 518, 504 or 384]",
)
preprocessing = click.option(
    "--preprocessing",
    type=click.Choice(["authors", "transformers"]),
    help="With --model: resize images as the authors' code does, or as transformers does.  [default: authors]",
)
weights_or_positional = click.option("--weights", metavar="FILE", help="The same as WEIGHTS, spelled out.")
cfg_options = _cfg_options("the config")
cfg_options_with_config = _cfg_options("the config that --config names")
device = click.option(
    "--device", default="auto", metavar="NAME", help="cpu, cuda, cuda:1, mps, or auto: a GPU if there is one."
)
launcher = click.option(
    "--launcher", type=click.Choice(["none", "pytorch"]), default="none", help="Choose pytorch under torchrun."
)
out_folder = click.option(
    "--out",
    type=PathName(),
    default=Path("depthkit_out"),
    metavar="DIR",
    help="Folder for the results; made if it does not exist.",
)
json_file = click.option("--json", "json_path", type=PathName(), metavar="FILE", help="Also write the results as JSON.")


def config_and_weights(
    files: Sequence[str], config: str | None, weights: str | None, ctx: click.Context
) -> tuple[str | None, str]:
    """Sort out the positional arguments `[CONFIG] WEIGHTS` and the options `--config` and `--weights`.

    Returns:
        Name or path of the config, None if there is none, and the path of the weights.

    Raises:
        click.UsageError: something is missing or given twice.
    """
    rest = list(files)
    if len(rest) > 1 and not rest[0].endswith(".py") and Path(rest[0]).suffix:
        raise click.UsageError(f"Got {len(rest)} files of weights ({', '.join(rest)}); give one.", ctx)
    if weights is None and rest:
        weights = rest.pop()
    if config is None and rest:
        config = rest.pop()
    if rest:
        raise click.UsageError(f"Got '{rest[-1]}' beside a config and weights; expected one of each.", ctx)
    if weights is None or weights.endswith(".py"):
        raise click.UsageError("Missing the weights: give a .pth or .safetensors file.", ctx)
    return config, weights


def load_given_config(config: str | None, cfg_options: dict[str, Any] | None, ctx: click.Context) -> "Config | None":
    """Load the config that `--config` names with `cfg_options` applied; None if none is named.

    Raises:
        click.UsageError: there are `cfg_options` without a config.
        InputError: the config or the options cannot be used.
    """
    if config is None:
        if cfg_options:
            # What a config computes from its settings is final in the file: an option would change half of it.
            message = "--cfg-options: cannot change the config in a file of weights; name that config by --config."
            raise click.UsageError(message, ctx)
        return None
    from depthkit.utils.config import load_config

    return load_config(config, cfg_options)


def check_weights(weights: str) -> None:
    """Check that there is a file of weights, before the seconds that importing torch takes.

    Raises:
        InputError: there is none.
    """
    path = expand_home(weights)
    if not path.is_file():
        what = "is not a regular file" if path.exists() else "no such checkpoint file"
        raise InputError(f"{weights}: {what}; give the path of a .pth or .safetensors file")


def load_predictor(config: "Config | None", weights: str, device: str) -> "DepthPredictor":
    """Build the predictor of `weights`, with `config` or the one that they carry.

    Raises:
        InputError: there is no such file, or see `DepthPredictor`.
    """
    check_weights(weights)
    from depthkit.apis.predictor import DepthPredictor

    return DepthPredictor(weights, device=device) if config is None else DepthPredictor(config, weights, device)


def fetch_zoo_model(model: str, weights: str | None, **settings: object) -> Path:
    """Return the file of weights of a published model, before the seconds that importing torch takes.

    `settings` of its config are checked first, because a file may take minutes; those that are None are left out.

    Raises:
        InputError: there is no such model, it cannot have these settings, `weights` is not a file, it has the name of
            another model's, or the published one cannot be downloaded.
    """
    from depthkit.zoo.configs import make_config
    from depthkit.zoo.download import fetch_weights
    from depthkit.zoo.table import check_file_name, find_model

    published = find_model(model)
    make_config(published, weights, **_given(settings))
    if weights is None:
        return fetch_weights(published)
    path = expand_home(weights)
    if not path.is_file():
        what = "is not a regular file" if path.exists() else "no such file"
        raise InputError(f"{weights}: {what}; expected {published.file} or another file of {model}")
    check_file_name(path, published)
    return path


def check_zoo_range(model: str, depth_range: tuple[float, float] | None) -> None:
    """Check without torch that a range [m], if there is one, is for a published model in metres.

    Raises:
        InputError: the model is relative, or there is none of this name.
    """
    from depthkit.zoo.table import find_model

    if depth_range is not None and find_model(model).kind == "relative":
        raise InputError(f"range: is in metres, but the results of {model} are relative; leave it out")


def load_zoo_predictor(model: str, weights: str | None, device: str, **settings: object) -> "DepthPredictor":
    """Build the predictor of a published model; `settings` that are None are left out."""
    from depthkit.apis.predictor import DepthPredictor

    return DepthPredictor.from_pretrained(model, weights, device=device, **_given(settings))


def _given(settings: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in settings.items() if value is not None}


def check_output(path: Path | None, *inputs: str | Path | None) -> None:
    """Check the file `path`, which may be None, before the work whose result it is; its folder is made.

    Raises:
        InputError: it is one of the `inputs`, or cannot be written there.
    """
    if path is None:
        return
    image_files.check_not_inputs([path], [source for source in inputs if source is not None])
    check_output_file(path)


def write_json(path: Path, content: object) -> None:
    """Write `content` as JSON to `path`.

    Raises:
        InputError: `path` cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")


def find_images(
    patterns: Sequence[str], out: Path | None = None, ending: str = "", recursive: bool = False
) -> tuple[list[Path], dict[str, str]]:
    """Find the images that `patterns` name and report on stderr each pattern that names none.

    Args:
        patterns: images, folders and globs.
        out: folder of the results, checked but not made here; None if the images have none.
        ending: of the name of one of the results of each image.
        recursive: take the images in subfolders of folders, too; results lie in the same subfolders of `out`.

    Returns:
        The images, and the patterns that name none with what was reported.

    Raises:
        InputError: there is no image at all; `out` cannot be made or written to, or what lies in it would be found as
            an image the next time.
    """
    images, problems = image_files.find_images(patterns, recursive)
    for sentence in image_files.describe_skipped(patterns, recursive):
        click.echo(f"warning: {sentence}", err=True)
    sentences = list(problems.values())
    last = None if images else sentences.pop()
    for sentence in sentences:
        click.echo(f"error: {sentence}", err=True)
    if last is not None:
        raise InputError(last)
    if out is not None:
        mirrored = image_files.named_folders(patterns) if recursive else []
        results = [out / f"{stem}{ending}" for stem in image_files.mirrored_stems(images, mirrored)]
        image_files.check_not_inputs(results, images)
        image_files.check_not_found_again(patterns, results, recursive=recursive)
        check_output_folder(out)
    return images, problems
