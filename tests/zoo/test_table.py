import re
from pathlib import Path

import pytest

from depthkit.errors import InputError
from depthkit.zoo.table import FREE_LICENCES, MODELS, UNRESOLVED, find_model

SIZES = ("small", "base", "large")


def test_the_names_of_the_issue_are_there():
    names = {f"depth-anything-v{version}-{size}" for version in (1, 2) for size in SIZES}
    names |= {f"depth-anything-v2-metric-{scene}-{size}" for scene in ("indoor", "outdoor") for size in SIZES}
    assert MODELS.keys() == names | {"da3mono-large", "da3metric-large", "dpt-large"}
    assert all(find_model(name).name == name for name in MODELS)


@pytest.mark.parametrize("model", MODELS.values(), ids=str)
def test_every_fact_is_well_formed(model):
    assert model.revision is None or re.fullmatch("[0-9a-f]{40}", model.revision)
    assert model.sha256 is None or re.fullmatch("[0-9a-f]{64}", model.sha256)
    assert model.licence in (*FREE_LICENCES, "CC-BY-NC-4.0", UNRESOLVED) and model.licence_note
    assert model.url.startswith("https://huggingface.co/") and model.url.endswith(f"/{model.file}")
    assert re.fullmatch(r"\d{4}\.\d{5}", model.paper.arxiv) and str(model.paper).endswith(model.paper.arxiv)
    assert len(model.architecture.taps) == len(model.architecture.level_channels) == 4
    assert max(model.architecture.taps) == model.architecture.depth - 1
    # A file of torch has fewer than 140 kB besides the numbers, and some that no prediction uses.
    assert 0 <= model.approximate_size - 4 * model.architecture.parameters < 5e6


def test_pins_hashes_and_licences_of_the_records():
    pinned = [model for model in MODELS.values() if model.revision]
    assert len(pinned) == 9 and all(model.name.startswith("depth-anything-v2") for model in pinned)
    small = find_model("depth-anything-v2-small")
    assert small.url == (
        "https://huggingface.co/depth-anything/Depth-Anything-V2-Small/resolve/"
        "03876f8651c73a60fe4c2c48294e09fcb6838fcf/depth_anything_v2_vits.pth"
    )
    assert (small.size, small.sha256[:8], small.sha256[-4:]) == (99_218_434, "715fade1", "1378")
    outdoor = find_model("depth-anything-v2-metric-outdoor-large")
    assert outdoor.file == "depth_anything_v2_metric_vkitti_vitl.pth" and outdoor.max_depth == 80
    assert {find_model(f"depth-anything-v2-{size}").licence for size in SIZES[1:]} == {"CC-BY-NC-4.0"}
    assert {name for name, model in MODELS.items() if model.licence == UNRESOLVED} == {
        f"depth-anything-v2-metric-{scene}-{size}" for scene in ("indoor", "outdoor") for size in SIZES[1:]
    }


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("depth-anything-v2-smal", "did you mean depth-anything-v2-small or "),
        ("Depth-Anything-V2-Small", "did you mean depth-anything-v2-small?"),
        ("depth anything v2 small", "did you mean depth-anything-v2-small?"),
        ("Depth Anything Large", "did you mean depth-anything-v1-large?"),
        ("depth-anything/Depth-Anything-V2-Base-hf", "did you mean depth-anything-v2-base?"),
        ("depth_anything_v2_vitl", "did you mean depth-anything-v2-large?"),
        ("DPT-Large", "did you mean dpt-large?"),
        ("midas", "did you mean dpt-large?"),
        ("dpt", "did you mean dpt-large?"),
        ("da3", "did you mean da3mono-large or da3metric-large?"),
        ("zebra", "`depthkit models` lists them"),
    ],
)
def test_an_unknown_name_gives_the_nearest(name, hint):
    with pytest.raises(InputError) as caught:
        find_model(name)
    assert str(caught.value).startswith(f"{name}: there is no model of this name; {hint}")


@pytest.mark.parametrize("name", ["", "  ", "two\nlines"])
def test_a_name_that_cannot_be_shown_is_quoted(name):
    with pytest.raises(InputError) as caught:
        find_model(name)
    assert str(caught.value).startswith(f"{name!r}: there is no model of this name; ")


@pytest.mark.parametrize("name", [None, 3, Path("dpt-large"), b"dpt-large", ["dpt-large"]])
def test_a_name_is_text(name):
    with pytest.raises(InputError) as caught:
        find_model(name)
    assert str(caught.value).startswith(f"name={name!r}: expected the name of a model, such as ")


def test_names_of_files_belong_to_one_model():
    files = [file for model in MODELS.values() for file in model.own_files]
    assert len(files) == len(set(files)) == 13 and "model.safetensors" not in files
    assert find_model("depth-anything-v1-base").own_files == ("depth_anything_vitb14.pth",)
