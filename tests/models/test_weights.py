import os

import pytest
import timm
import torch
from safetensors.torch import save_file

from depthkit.errors import InputError
from depthkit.models import DeiT, ToSA
from depthkit.models.weights import load_weights, read_checkpoint, read_state_dict
from helpers import SMALL_VIT as SMALL
from helpers import write_crafted_checkpoint


@pytest.mark.parametrize("layout", ["plain", "model", "state_dict", "module", "backbone", "safetensors"])
def test_layouts_of_weight_files(layout, tmp_path):
    source = DeiT(num_classes=5, **SMALL)
    state = source.state_dict()
    path = tmp_path / ("weights.safetensors" if layout == "safetensors" else "weights.pth")
    if layout == "safetensors":
        save_file(state, path)
    else:
        content = {
            "plain": state,
            "model": {"model": state, "epoch": 3},
            "state_dict": {"state_dict": state, "meta": {"iter": 5}},
            "module": {"module." + k: v for k, v in state.items()},
            "backbone": {
                "state_dict": {"backbone." + k: v for k, v in state.items()} | {"decode_head.x": torch.ones(1)}
            },
        }[layout]
        torch.save(content, path)
    loaded = DeiT(num_classes=5, pretrained=path, **SMALL)
    torch.testing.assert_close(loaded.state_dict(), state)


def test_selectors_may_be_missing_and_are_kept_when_there(tmp_path):
    dense, trained = DeiT(**SMALL), ToSA(**SMALL)
    torch.nn.init.normal_(trained.blocks[1].selector.mix.weight)
    torch.save(dense.state_dict(), tmp_path / "dense.pth")
    torch.save(trained.state_dict(), tmp_path / "tosa.pth")
    from_dense = ToSA(pretrained=tmp_path / "dense.pth", **SMALL)
    assert torch.equal(from_dense.blocks[0].attn.qkv.weight, dense.blocks[0].attn.qkv.weight)
    assert torch.equal(from_dense.blocks[1].selector.mix.weight.flatten(1), torch.eye(3))
    from_tosa = ToSA(pretrained=tmp_path / "tosa.pth", **SMALL)
    assert torch.equal(from_tosa.blocks[1].selector.mix.weight, trained.blocks[1].selector.mix.weight)


def test_missing_and_unexpected_keys_are_reported(tmp_path, capfd):
    from mmengine.logging import MMLogger

    MMLogger.get_instance("test_weights", log_level="INFO")
    torch.save({**DeiT(**SMALL).state_dict(), "extra.weight": torch.ones(1)}, tmp_path / "weights.pth")
    ToSA(pretrained=tmp_path / "weights.pth", **SMALL)
    shown = "".join(capfd.readouterr())
    assert "2 keys missing (blocks.1.selector.mix.weight" in shown
    assert "1 keys unexpected (extra.weight)" in shown


def test_weights_without_a_needed_key_or_of_another_size_are_refused(tmp_path):
    state = DeiT(**SMALL).state_dict()
    del state["blocks.2.norm1.weight"]
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(InputError, match="weights.pth.*blocks.2.norm1.weight"):
        DeiT(pretrained=tmp_path / "weights.pth", **SMALL)
    torch.save(DeiT(**SMALL).state_dict(), tmp_path / "weights.pth")
    with pytest.raises(InputError, match="weights.pth"):
        DeiT(**{**SMALL, "embed_dim": 96}, pretrained=tmp_path / "weights.pth")
    with pytest.raises(InputError, match="weights.pth: its position table .* 2 prefix tokens"):
        DeiT(distilled=True, pretrained=tmp_path / "weights.pth", **SMALL)


def test_weights_of_another_number_of_classes_are_refused_but_a_headless_backbone_takes_them(tmp_path):
    torch.save(DeiT(num_classes=5, **SMALL).state_dict(), tmp_path / "weights.pth")
    with pytest.raises(InputError, match="head.weight.*7 classes"):
        DeiT(num_classes=7, pretrained=tmp_path / "weights.pth", **SMALL)
    DeiT(num_classes=0, pretrained=tmp_path / "weights.pth", **SMALL)


def test_offline_hub_names_the_local_file_option(monkeypatch):
    def offline(name, pretrained):
        assert name == "deit_small_patch16_224" and pretrained
        raise ConnectionError("no route to host")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(InputError, match="deit_small_patch16_224.*ConnectionError.*local file.*pretrained='/path"):
        DeiT(embed_dim=384, num_heads=6, pretrained=True)


@pytest.mark.parametrize("reader", [read_checkpoint, read_state_dict])
def test_a_crafted_pickle_executes_nothing(reader, tmp_path):
    executed = write_crafted_checkpoint(tmp_path / "crafted.pth")
    with pytest.raises(InputError, match="crafted.pth: refused"):
        reader(tmp_path / "crafted.pth")
    assert not executed.exists()


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
@pytest.mark.parametrize("damage", ["empty", "text", "truncated", "missing"])
def test_damaged_files_are_named(name, damage, tmp_path):
    path = tmp_path / name
    state = DeiT(**SMALL).state_dict()
    save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "text": b"not weights\n", "truncated": content[: len(content) // 2]}[damage])
    with pytest.raises(InputError, match=name):
        read_state_dict(path)


def test_a_file_without_weights_is_refused(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "weights.pth")
    with pytest.raises(InputError, match="holds no weights"):
        read_state_dict(tmp_path / "weights.pth")
    torch.save([torch.ones(1)], tmp_path / "list.pth")
    with pytest.raises(InputError, match="holds a list"):
        read_state_dict(tmp_path / "list.pth")
    torch.save({3: torch.ones(1)}, tmp_path / "weights.pth")  # keys that are not text
    with pytest.raises(InputError, match="holds no weights"):
        read_state_dict(tmp_path / "weights.pth")


def test_load_weights_is_strict(tmp_path):
    source, target = ToSA(**SMALL), ToSA(**SMALL)
    torch.save({"state_dict": source.state_dict()}, tmp_path / "good.pth")
    load_weights(target, tmp_path / "good.pth")
    torch.testing.assert_close(target.state_dict(), source.state_dict())
    torch.save({"state_dict": DeiT(**SMALL).state_dict()}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="other.pth: is a checkpoint of another model .2 keys missing"):
        load_weights(target, tmp_path / "other.pth")


def test_weights_that_are_not_finite_are_refused(tmp_path):
    model = DeiT(**SMALL)
    for bad in (float("nan"), float("inf"), -float("inf")):
        state = model.state_dict()
        state["blocks.1.mlp.fc1.weight"] = state["blocks.1.mlp.fc1.weight"].clone()
        state["blocks.1.mlp.fc1.weight"][3, 2] = bad
        torch.save(state, tmp_path / "nan.pth")
        with pytest.raises(InputError, match=r"nan.pth: blocks.1.mlp.fc1.weight holds values that are not finite; get"):
            load_weights(model, tmp_path / "nan.pth")


ODD = {
    "no values": lambda value: value.to("meta"),
    "sparse values": lambda value: value.to_sparse(),
    "quantized values": lambda value: torch.quantize_per_tensor(value, 0.1, 0, torch.qint8),
    "complex64 numbers": lambda value: value.to(torch.complex64),
    "int8 numbers": lambda value: value.to(torch.int8),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("what", ODD)
def test_odd_tensors_are_refused(tmp_path, what):
    state = DeiT(**SMALL).state_dict()
    state["norm.weight"] = ODD[what](state["norm.weight"])
    torch.save(state, tmp_path / "odd.pth")
    with pytest.raises(InputError, match=f"odd.pth: norm.weight (has|holds) {what}; expected"):
        load_weights(DeiT(**SMALL), tmp_path / "odd.pth")


def test_small_floats_are_weights(tmp_path):
    model = DeiT(**SMALL)
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        torch.save({name: value.to(dtype) for name, value in model.state_dict().items()}, tmp_path / "half.pth")
        load_weights(model, tmp_path / "half.pth")


def test_what_is_not_a_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.pth")
    for path in (tmp_path / "pipe.pth", tmp_path):
        with pytest.raises(InputError) as caught:
            read_checkpoint(path)
        assert str(caught.value) == f"{path}: is not a regular file; give the path of a .pth or .safetensors file"
