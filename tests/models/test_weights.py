import os
import zipfile

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from depthkit.errors import InputError
from depthkit.models import DeiT, ToSA
from depthkit.models.checkpoint_file import CHECKSUM_KEY, checksum, read_checkpoint
from depthkit.models.weights import load_weights, read_state_dict
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
    def offline(url):
        assert "deit_small_patch16_224" in url
        raise ConnectionError("no route to host")

    monkeypatch.setattr("depthkit.models.weights.ask_hub", offline)
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: pytest.fail("asked a hub that does not answer"))
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
    "complex values": lambda value: value.to(torch.complex64),
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
    (tmp_path / "link.pth").symlink_to("nowhere.pth")
    found = {"pipe.pth": "is not a regular file but a FIFO", "": "is a folder", "link.pth": "is a broken link"}
    for name, what in found.items():
        path = tmp_path / name
        with pytest.raises(InputError) as caught:
            read_checkpoint(path)
        assert str(caught.value) == f"{path}: {what}; expected a .pth or .safetensors file"


def _flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@settings(max_examples=30)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_flipped_bit_in_a_tensor_is_found(tmp_path_factory, share):
    """Of a zip file by its own checksum; of what export_weights wrote by ours, in tensors and in texts."""
    folder = tmp_path_factory.mktemp("flipped")
    state = {"a": torch.arange(100.0), "b": torch.zeros(7, 3, dtype=torch.float16), "c": torch.tensor(5)}
    torch.save(state, folder / "w.pth")
    with zipfile.ZipFile(folder / "w.pth") as archive:
        records = [one for one in archive.infolist() if "/data/" in one.filename]
    record = records[int(share * len(records))]
    content = (folder / "w.pth").read_bytes()
    stored = next(value for value in state.values() if value.nbytes == record.file_size)
    _flip(
        folder / "w.pth", content.index(stored.numpy().tobytes(), record.header_offset) + int(share * record.file_size)
    )
    with pytest.raises(InputError, match="w.pth: not a checkpoint, or one that is damaged"):
        read_checkpoint(folder / "w.pth")

    header = {"note": "a text"}
    save_file(state, folder / "w.safetensors", {**header, CHECKSUM_KEY: checksum(state, header)})
    assert read_checkpoint(folder / "w.safetensors").keys() == state.keys()
    start = 8 + int.from_bytes((folder / "w.safetensors").read_bytes()[:8], "little")
    _flip(folder / "w.safetensors", start + int(share * sum(value.nbytes for value in state.values())))
    with pytest.raises(InputError, match="w.safetensors: is damaged, its checksum is another"):
        read_checkpoint(folder / "w.safetensors")
    save_file(state, folder / "w.safetensors", {"note": "A text", CHECKSUM_KEY: checksum(state, header)})
    with pytest.raises(InputError, match="w.safetensors: is damaged, its checksum is another"):
        read_checkpoint(folder / "w.safetensors")


def test_files_without_a_checksum_are_read(tmp_path):
    state = {"a": torch.arange(100.0)}
    save_file(state, tmp_path / "w.safetensors")
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(state, tmp_path / "w.pth")
    finally:
        torch.serialization.set_crc32_options(True)
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    for name in ("w.safetensors", "w.pth", "old.pth"):
        torch.testing.assert_close(read_checkpoint(tmp_path / name)["a"], state["a"], rtol=0, atol=0)


def test_a_few_bytes_that_stand_for_terabytes(tmp_path):
    torch.save({"a": torch.zeros(1).expand(200_000, 200_000)}, tmp_path / "w.pth")
    with pytest.raises(InputError, match="a has values that are repeated"):
        read_checkpoint(tmp_path / "w.pth")
    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10_000_000))
    with pytest.raises(InputError, match="bomb.pth: is a compressed zip file"):
        read_checkpoint(tmp_path / "bomb.pth")
