import json

import pytest
import timm
import torch
from PIL import Image

from depthkit import DepthPredictor
from depthkit.analysis.benchmark import describe_machine, image_batch, peak_memory, time_interleaved
from depthkit.analysis.benchmark_variants import build_variant
from depthkit.analysis.published_variants import build_published, check_published
from depthkit.errors import InputError
from depthkit.models import DeiT, ToSA
from depthkit.utils.macs import count_macs


@pytest.mark.slow
def test_macs_count_attention_and_fall_with_the_keep_rate():
    images = torch.randn(1, 3, 224, 224)
    small = dict(embed_dim=384, num_heads=6, num_classes=1000)
    # DeiT-S: 4.6 G (Touvron et al. 2021, table 5); by hand: 12 layers of 12 N C^2 + 2 N^2 C with N = 197, C = 384, the
    # patch embedding 196 * 768 * C and the head 1000 C.
    by_hand = 12 * (12 * 197 * 384**2 + 2 * 197**2 * 384) + 196 * 768 * 384 + 1000 * 384
    assert count_macs(DeiT(**small).eval(), images) == by_hand
    assert by_hand == pytest.approx(4.6e9, rel=0.01)
    rates = [count_macs(ToSA(keep_rate=k, selection="shared", **small).eval(), images) for k in (1, 0.5, 0.25)]
    assert rates[0] == by_hand > rates[1] > rates[2]


def test_peak_memory_sees_what_is_held():
    class Holder(torch.nn.Module):
        def forward(self, images):
            held = [images * i for i in range(1, 4)]
            return sum(held)

    images = torch.randn(1, 3, 64, 64)
    assert 3 * images.nbytes <= peak_memory(Holder(), images) <= 6 * images.nbytes


def test_the_machine_in_one_line(monkeypatch):
    monkeypatch.setattr("depthkit.analysis.benchmark.cpu_name", lambda: "A CPU")
    for count, said in ((1, "1 thread"), (2, "2 threads")):
        monkeypatch.setattr(torch, "get_num_threads", lambda count=count: count)
        assert describe_machine({"a": "1.0", "b": None, "c": "2"}) == f"A CPU, {said}, a 1.0, c 2"


def test_timing_runs_every_pass_in_every_round_and_compares_within_a_round():
    calls = []
    passes = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    timings = time_interleaved(passes, "a", 5, lambda: None)
    assert calls.count("a") == calls.count("b") == 7
    assert timings["a"].speedup == 1.0
    assert timings["a"].ms_low <= timings["a"].ms <= timings["a"].ms_high


@pytest.mark.parametrize("task", [pytest.param("backbone", marks=pytest.mark.slow), "depth"])
def test_the_command_prints_a_table_and_writes_json(cli, tmp_path, task):
    arguments = ["--task", task, "--model", "tiny", "--inputs", "32x48:2", "--rounds", 1, "--json", tmp_path / "r.json"]
    variants = ["deit", "tosa_shared:0.5", "tosa_per_head:0.5", "tosa_even:.25@1-10", "evit:0.5", "tome:0.5"]
    result = cli("benchmark", *arguments, "--variants", *variants)
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    assert [r["variant"] for r in report["results"]] == ["timm", *variants]
    assert report["results"][0]["speedup"] == 1.0
    assert all(r["macs"] > 0 and r["ms"] > 0 and r["peak_bytes"] > 0 for r in report["results"])
    assert "GMACs/image" in result.stdout
    assert result.stdout.startswith(describe_machine({"torch": torch.__version__}) + "\n")


def test_the_depth_of_selectors_is_for_those_that_have_some():
    names = ("tosa_even:.5", "tosa_shared:.5")
    even, shared = (build_variant(name, "backbone", "tiny", selector_layers=2) for name in names)
    assert not [name for name, _ in even.named_parameters() if "selector" in name]
    assert "blocks.1.selector.hidden.weight" in dict(shared.named_parameters())


def test_published_models_are_compared_with_the_first(cli, tmp_path, tiny_zoo):
    name = "depth-anything-v2-small"
    tiny_zoo(name)
    variants = [name, f"{name}:per_head:0.5,0.25"]
    given = ["--task", "depth", "--inputs", "56x84:2", "--rounds", 1, "--device", "cpu"]
    with pytest.MonkeyPatch.context() as patch:
        # The tiny model taps every layer: there is none to choose.
        patch.setattr("depthkit.models.selective.layers_between_taps", lambda taps: (1, 3))
        result = cli("benchmark", *given, "--variants", *variants, "--json", tmp_path / "r.json")
    assert result.returncode == 0, result.stderr
    dense, selective = json.loads((tmp_path / "r.json").read_text())["results"]
    assert [dense["variant"], selective["variant"]] == variants
    assert dense["speedup"] == 1.0 and selective["macs"] < dense["macs"]


def test_the_packaged_model_is_timed_with_its_own_weights(cli, tmp_path):
    given = ["--task", "depth", "--inputs", "48x64:1", "--rounds", 1, "--device", "cpu", "--json", tmp_path / "r.json"]
    result = cli("benchmark", "--variants", "rooms-deit-tiny", "rooms-deit-tiny:0.5", *given)
    assert result.returncode == 0, result.stderr
    dense, selective = json.loads((tmp_path / "r.json").read_text())["results"]
    assert selective["macs"] < dense["macs"]
    built = build_published("rooms-deit-tiny", None).state_dict()
    packaged = DepthPredictor.from_pretrained("rooms-deit-tiny", device="cpu").model.state_dict()
    assert all(torch.equal(value, packaged[key]) for key, value in built.items())


@pytest.mark.parametrize("name", ["depth-anything-v1-small", "dpt-large"])
def test_transformers_builds_the_same_network(name, tiny_zoo):
    pytest.importorskip("transformers")
    weights = tiny_zoo(name)
    images = torch.randn(1, 3, 96, 96) if name == "dpt-large" else torch.randn(1, 3, 70, 112)
    ours, theirs = build_published(name, weights).eval(), build_published(f"transformers:{name}", None).eval()
    with torch.inference_mode():
        assert theirs(images).shape == ours(images).shape == (1, 1, *images.shape[-2:])
    # Ours apply DPT's readout to the class token once and not for every patch, and resample positions by products.
    assert count_macs(ours, images) == pytest.approx(count_macs(theirs, images), rel=0.05)


@pytest.mark.parametrize("selection", ["shared", "per_head"])
def test_token_selection_needs_no_more_memory_than_timms_dense_model(selection):
    timm_model = timm.create_model("deit_tiny_patch16_224", num_classes=0).eval()
    model = ToSA(embed_dim=192, num_heads=3, selection=selection, keep_rate=0.5).eval()
    images = torch.randn(2, 3, 224, 224)
    assert peak_memory(model, images) <= peak_memory(timm_model, images)


def test_pictures_fill_the_batch_and_the_size(tmp_path):
    for name, value in (("a", 0), ("b", 255)):
        Image.new("RGB", (50, 30), (value,) * 3).save(tmp_path / f"{name}.png")
    batch = image_batch(tmp_path, 32, 64, 3)
    assert batch.shape == (3, 3, 32, 64)
    # ImageNet's mean and std of red: 0.485 and 0.229.
    assert [round(p[0].mean().item(), 2) for p in batch] == [-2.12, 2.25, -2.12]


def test_transformers_takes_square_images_for_dpt():
    check_published(["transformers:dpt-large", "dpt-large"], [(384, 384, 1)], "depth", False)
    with pytest.raises(InputError, match="--inputs 352x384: transformers:dpt-large takes square images only"):
        check_published(["transformers:dpt-large"], [(352, 384, 1)], "depth", False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--train"], "--train: only depth models have losses; add --task depth"),
        (["--variants", "tosa_shared"], "--variants tosa_shared: expected timm, deit or"),
        (["--variants", "deit:0.5"], "--variants deit:0.5: expected"),
        (["--variants", "evit:half"], "'half' is not a number"),
        (["--variants", "tosa_shared:.5,.5"], "one for each of the 6 token selective layers"),
        (["--variants", "tosa:0.5"], "tosa:0.5"),
        (["--variants", "timm:0.5"], "timm:0.5"),
        (["--variants", "evit"], "evit"),
        (["--variants", "tosa_shared:.5@"], "'' are no layers; expected some of 1 to 11 such as 5,9,10 or 1-10"),
        (["--variants", "tosa_even:.5@1-99999999"], "'1-99999999' are no layers"),
        (["--variants", "tosa_even:.5@1-2-3"], "'1-2-3' are no layers"),
        (["--variants", "tosa_even:.5@5-4"], "'5-4' are no layers"),
        (["--variants", "tosa_shared:.5@5,x"], "'5,x' are no layers"),
        (["--variants", "tosa_shared:.5@0"], "'0' are no layers"),
        (["--variants", "tome:0.5@5"], "--variants tome:0.5@5: expected"),
        (["--variants", "depth-anything-v2-smal"], "did you mean depth-anything-v2-small"),
        (["--variants", "dpt-large", "depth-anything-v2-smal:0.5"], "did you mean depth-anything-v2-small"),
        (["--variants", "transformers:dpt-larg"], "did you mean dpt-large"),
        (["--weights", ""], "--weights: is empty; name a file, or leave it out for random weights."),
        (["--inputs", "999999x999999:1"], "has 1e+12 pixels, 3.36e+07 are the most; give smaller sides"),
        (["--task", "depth", "--inputs", "33x32:1"], "--inputs: the sides must be multiples of the patches of 16 px"),
        (["--images", "none"], "--images: there is no 'none'"),
        (["--variants", "evit:nan"], "keep_rate=nan: expected numbers above 0 and at most 1"),
        (["--rounds", "0"], "Invalid value for '--rounds': 0"),
        (["--variants", "depth-anything-v2-small"], "published models predict depth; use --task depth"),
        (["--task", "depth", "--variants", "rooms-deit-tiny", "--inputs", "56x84:1"], "multiples of 16; try 64x80"),
        (["--task", "depth", "--variants", "dpt-large", "deit"], "--variants deit: is not a published model"),
        (
            ["--task", "depth", "--variants", "dpt-large:heads:0.5"],
            "expected dpt-large, dpt-large:0.5, dpt-large:per_head:0.5 or",
        ),
        (["--task", "depth", "--variants", "dpt-large:half"], "'half' is not a number"),
        (["--task", "depth", "--variants", "transformers:da3mono-large"], "transformers does not have this model"),
        (
            ["--task", "depth", "--variants", "depth-anything-v2-small"],
            "--inputs 32x32: depth-anything-v2-small takes sides that are multiples of 14; try 28x28",
        ),
    ],
)
def test_what_cannot_be_benchmarked_is_said(cli, arguments, message, tiny_zoo):
    tiny_zoo("dpt-large")
    size = "42x42:1" if "transformers:da3mono-large" in arguments else "32x32:1"
    result = cli("benchmark", "--inputs", size, *arguments)
    assert result.returncode == 2
    assert message in result.stderr and "Traceback" not in result.stderr
