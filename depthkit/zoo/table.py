"""The table of published models. It imports no torch, so that it is printed at once."""

import difflib
import re
from pathlib import Path

from depthkit.errors import InputError
from depthkit.zoo.packaged import PACKAGED_MODEL
from depthkit.zoo.zoo_model import Architecture, Output, Paper, ZooModel

UNRESOLVED = "unresolved"
FREE_LICENCES = ("Apache-2.0", "MIT")


def find_model(name: str) -> ZooModel:
    """Return the model called `name`.

    Raises:
        InputError: there is none; the sentence has the nearest names. The model that comes with depthkit is none of
            the published ones.
    """
    if not isinstance(name, str):
        raise InputError(f"name={name!r}: expected the name of a model, such as 'depth-anything-v2-small'")
    if name in MODELS:
        return MODELS[name]
    if name == PACKAGED_MODEL:
        raise InputError(f"{name}: comes with depthkit as a file, which `depthkit models {name}` names; give that file")
    near = _nearest(name)
    hint = f"did you mean {' or '.join(near)}?" if near else "`depthkit models` lists them"
    shown = name if name.strip() and name.isprintable() else repr(name)
    raise InputError(f"{shown}: there is no model of this name; {hint}")


def _nearest(name: str, count: int = 3) -> list[str]:
    """Return the names of the models whose name, title or address at the hub is most like `name`."""
    wanted = _plain(name)
    if not wanted:
        return []
    known = {model.name: [_plain(text) for text in _called(model)] for model in MODELS.values()}
    known[PACKAGED_MODEL] = [PACKAGED_MODEL]
    same = [name for name, texts in known.items() if wanted in texts]
    if same:
        return same[:1]
    inside = [name for name, texts in known.items() if any(f"-{wanted}" in f"-{text}" for text in texts)]
    near = difflib.get_close_matches(wanted, known, n=count, cutoff=0.5)
    return list(dict.fromkeys([*near, *inside]))[:count]


def _called(model: ZooModel) -> tuple[str, ...]:
    """Return what people may call a model: name, title, repositories, files without their suffix."""
    repositories = (one.rpartition("/")[2] for one in (model.repo, model.transformers_repo) if one)
    return model.name, model.title, *repositories, *(file.rpartition(".")[0] for file in model.own_files)


def _plain(text: str) -> str:
    return re.sub("[^a-z0-9]+", "-", text.rpartition("/")[2].lower()).strip("-")


def check_file_name(path: Path, model: ZooModel) -> None:
    """Check that a file has not the name of another model's: what is inside is often alike.

    Raises:
        InputError: it has.
    """
    others = {file: other.name for other in MODELS.values() for file in other.own_files}
    if others.get(path.name, model.name) != model.name:
        raise InputError(
            f"{path}: has the name of the file of {others[path.name]}; name that model, or rename the file if it is of "
            f"{model.name}"
        )


_DA1 = Paper(
    "Depth Anything: Unleashing the Power of Large-Scale Unlabeled Data", "Yang et al.", "CVPR", 2024, "2401.10891"
)
_DA2 = Paper("Depth Anything V2", "Yang et al.", "NeurIPS", 2024, "2406.09414")
_DA3 = Paper("Depth Anything 3: Recovering the Visual Space from Any Views", "Lin et al.", "arXiv", 2025, "2511.10647")
_DPT = Paper("Vision Transformers for Dense Prediction", "Ranftl et al.", "ICCV", 2021, "2103.13413")

_LEVELS = {"small": (48, 96, 192, 384), "base": (96, 192, 384, 768), "large": (256, 512, 1024, 1024)}
_VIT = {"small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16)}  # channels, layers, heads
_CHANNELS = {"small": 64, "base": 128, "large": 256}
_V2_TAPS = {"small": (2, 5, 8, 11), "base": (2, 5, 8, 11), "large": (4, 11, 17, 23)}
_V1_TAPS = {"small": (8, 9, 10, 11), "base": (8, 9, 10, 11), "large": (20, 21, 22, 23)}
# Without `mask_token` and `refinenet4.resConfUnit1`, which are in the files and never used.
_PARAMETERS = {"small": 24_710_849, "base": 97_174_849, "large": 334_134_465}

_REVISIONS = {
    "small": "03876f8651c73a60fe4c2c48294e09fcb6838fcf",
    "base": "a4e71a6c2ce52fe50df0f212066b0d4a87be9b5e",
    "large": "cbbb86a30ce19b5684b7a05155dc7e6cbc7685b9",
    "indoor-small": "3bc65d4e14a6786a61acec16453c50e12bf5f338",
    "indoor-base": "4ebcd7fd0858cbb953451619ca943ea39ec08e00",
    "indoor-large": "79720800638389a78b2defc92caa885104f69974",
    "outdoor-small": "c725b8589bdf6ab04072cab74c0467830db80d6d",
    "outdoor-base": "e96fd0c8cedf1825a55b9c61f309754982948df0",
    "outdoor-large": "070e97e4b80e317ec1d03c19927304f4091a180b",
}
_FILES = {  # size [bytes] and SHA-256, where they are on record
    "small": (99_218_434, "715fade13be8f229f8a70cc02066f656f2423a59effd0579197bbf57860e1378"),
    "base": (389_961_218, "0d2b7002e62d39d655571c371333340bd88f67ab95050c03591555aa05645328"),
    "large": (1_341_395_338, "a7ea19fa0ed99244e67b624c72b8580b7e9553043245905be58796a608eb9345"),
    "indoor-small": (99_222_290, "b782898d8a3e8be1f639de33837ed85e9b4b73e40f8f5e5cd99067588d722545"),
}


def _depth_anything(size: str, taps: dict[str, tuple[int, ...]]) -> Architecture:
    return Architecture("depth_anything", *_VIT[size], taps[size], _LEVELS[size], _CHANNELS[size], _PARAMETERS[size])


def _v2(size: str) -> ZooModel:
    licence = ("Apache-2.0", "README of the authors")
    if size != "small":
        licence = ("CC-BY-NC-4.0", "not for commercial use, README of the authors")
    return ZooModel(
        name=f"depth-anything-v2-{size}",
        title=f"Depth Anything V2 {size.title()}",
        architecture=_depth_anything(size, _V2_TAPS),
        output="disparity",
        input_size=518,
        repo=f"depth-anything/Depth-Anything-V2-{size.title()}",
        file=f"depth_anything_v2_vit{size[0]}.pth",
        revision=_REVISIONS[size],
        sha256=_FILES[size][1],
        size=_FILES[size][0],
        licence=licence[0],
        licence_note=licence[1],
        paper=_DA2,
        transformers_repo=f"depth-anything/Depth-Anything-V2-{size.title()}-hf",
    )


def _v2_metric(scene: str, size: str) -> ZooModel:
    data = {"indoor": "Hypersim", "outdoor": "VKITTI"}[scene]
    licence = ("Apache-2.0", "as the card of the file says")
    if size != "small":
        licence = (
            UNRESOLVED,
            "cards said Apache-2.0, but the encoder comes from weights under CC-BY-NC-4.0; ask the authors before "
            "commercial use",
        )
    bytes_, sha256 = _FILES.get(f"{scene}-{size}", (None, None))
    return ZooModel(
        name=f"depth-anything-v2-metric-{scene}-{size}",
        title=f"Depth Anything V2 Metric {scene.title()} ({data}) {size.title()}",
        architecture=_depth_anything(size, _V2_TAPS),
        output="metric",
        input_size=518,
        repo=f"depth-anything/Depth-Anything-V2-Metric-{data}-{size.title()}",
        file=f"depth_anything_v2_metric_{data.lower()}_vit{size[0]}.pth",
        revision=_REVISIONS[f"{scene}-{size}"],
        sha256=sha256,
        size=bytes_,
        licence=licence[0],
        licence_note=licence[1],
        paper=_DA2,
        max_depth={"indoor": 20.0, "outdoor": 80.0}[scene],
        transformers_repo=f"depth-anything/Depth-Anything-V2-Metric-{scene.title()}-{size.title()}-hf",
    )


def _v1(size: str) -> ZooModel:
    repo = f"LiheYoung/depth-anything-{size}-hf"
    return ZooModel(
        name=f"depth-anything-v1-{size}",
        title=f"Depth Anything {size.title()}",
        architecture=_depth_anything(size, _V1_TAPS),
        output="disparity",
        input_size=518,
        repo=repo,
        file="model.safetensors",
        revision=None,
        sha256=None,
        size=None,
        licence="Apache-2.0",
        licence_note="that of the authors' repository; the files have none of their own on record",
        paper=_DA1,
        transformers_repo=repo,
        authors_file=f"depth_anything_vit{size[0]}14.pth",
    )


def _v3(name: str, output: Output, size: int | None = None, sha256: str | None = None) -> ZooModel:
    vit, levels, channels = _VIT["large"], _LEVELS["large"], _CHANNELS["large"]
    return ZooModel(
        name=f"{name.lower()}-large",
        title=f"Depth Anything 3, {name}-LARGE",
        architecture=Architecture("depth_anything_3", *vit, _V2_TAPS["large"], levels, channels, 334_171_394),
        output=output,
        input_size=504,
        repo=f"depth-anything/{name}-LARGE",
        file="model.safetensors",
        revision=None,
        sha256=sha256,
        size=size,
        licence="Apache-2.0",
        licence_note="README of the authors",
        paper=_DA3,
    )


_DPT_LARGE = ZooModel(
    name="dpt-large",
    title="DPT-Large (MiDaS 3.0)",
    architecture=Architecture("dpt", *_VIT["large"], (5, 11, 17, 23), _LEVELS["large"], 256, 341_850_305),
    output="disparity",
    input_size=384,
    repo="Intel/dpt-large",
    file="model.safetensors",
    revision=None,
    sha256=None,
    size=None,
    licence="Apache-2.0",
    licence_note="as the card of the file says; the authors' code is under MIT",
    paper=_DPT,
    transformers_repo="Intel/dpt-large",
    authors_file="dpt_large-midas-2f21e586.pt",
)

_SIZES = ("small", "base", "large")
_ALL = (
    *map(_v2, _SIZES),
    *(_v2_metric(scene, size) for scene in ("indoor", "outdoor") for size in _SIZES),
    *map(_v1, _SIZES),
    _v3("DA3MONO", "relative_depth"),
    _v3("DA3METRIC", "metric", 1_336_734_448, "bbea5b0b3ee389849cffa7ddae89de064a90abd2b055fc5aa99aac68db324776"),
    _DPT_LARGE,
)
MODELS: dict[str, ZooModel] = {model.name: model for model in _ALL}
