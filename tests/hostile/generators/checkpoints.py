"""Weights: damaged, crafted, of other kinds, with values that are no numbers."""

import json
import pickle
import struct
import zipfile

from ..case import ACCEPTED, EITHER, Attempt, case
from ..damage import cut, damage, flip_bits, hole, replace_by_something_else, shuffle_blocks

READERS = ("predict", "test", "export-weights", "tokens", "train", "backbone")


def read(path, rng, assets, readers=READERS):
    """Return a command that loads the weights at `path`."""
    reader = rng.choice(readers)
    if reader == "predict":
        return ["predict", assets.path("image.png"), "--weights", path, "--out", "out", "--device", "cpu"]
    if reader == "test":
        return ["test", path, "--device", "cpu"]
    if reader == "export-weights":
        return ["export-weights", path, "--out", "exported.safetensors"]
    if reader == "tokens":
        return ["tokens", assets.path("image.png"), "--weights", path, "--out", "out", "--device", "cpu"]
    if reader == "train":
        return ["train", assets.config, "--out", "work", "--device", "cpu", "--cfg-options", f"load_from={path}"]
    option = f"model.backbone.pretrained={path}"
    return ["train", assets.config, "--out", "work", "--device", "cpu", "--cfg-options", option]


def content(assets):
    import torch

    return torch.load(assets.weights, weights_only=True)


@case("checkpoints")
def damaged_pth(folder, rng, assets):
    data = assets.weights.read_bytes()
    way = rng.choice([cut, hole, shuffle_blocks, lambda data, rng: flip_bits(data, rng, 50)])
    while (damaged := way(data, rng)) == data:
        pass
    (folder / "w.pth").write_bytes(damaged)
    return read("w.pth", rng, assets)


@case("checkpoints")
def flipped_bits_in_values_of_pth(folder, rng, assets):
    """In the tensors alone: the file opens, and the values are others."""
    data = bytearray(assets.weights.read_bytes())
    with zipfile.ZipFile(assets.weights) as archive:
        tensors = [one for one in archive.infolist() if "/data/" in one.filename and one.file_size]
    for _ in range(rng.choice([1, 5, 50])):
        one = rng.choice(tensors)
        name, extra = struct.unpack("<HH", data[one.header_offset + 26 : one.header_offset + 30])
        place = one.header_offset + 30 + name + extra + rng.randrange(one.file_size)
        data[place] ^= 1 << rng.randrange(8)
    (folder / "w.pth").write_bytes(data)
    return read("w.pth", rng, assets)


@case("checkpoints")
def damaged_safetensors(folder, rng, assets):
    data = assets.path("weights.safetensors").read_bytes()
    way = rng.choice([cut, hole, shuffle_blocks, lambda data, rng: flip_bits(data, rng, rng.choice([1, 50]))])
    while (damaged := way(data, rng)) == data:
        pass
    (folder / "w.safetensors").write_bytes(damaged)
    return read("w.safetensors", rng, assets)


@case("checkpoints")
def header_of_safetensors_that_lies(folder, rng, assets):
    data = assets.path("weights.safetensors").read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    names = [name for name in header if name != "__metadata__"]
    name, way = rng.choice(names), rng.randrange(8)
    if way == 0:
        header[name]["shape"] = [10**6, 10**6]
    elif way == 1:
        header[name]["data_offsets"] = [0, 2**62]
    elif way == 2:
        header[name]["dtype"] = rng.choice(["F99", "C64", "BOOL", "U8", "I64", "F8_E4M3"])
    elif way == 3:
        header["__metadata__"]["depthkit"] = rng.choice(["", "[]", "{}", "null", "{" * 100_000, "5", '"x"'])
    elif way == 4:
        header["__metadata__"] = {"format": "pt", "depthkit": json.dumps({"version": "99.0"})}
    elif way == 5:
        del header[name]
    elif way == 6:
        header[name]["data_offsets"] = header[rng.choice([one for one in names if one != name])]["data_offsets"]
    text = json.dumps(header).encode()
    length = rng.choice([2**63, 10**12, 0, 5]) if way == 7 else len(text)
    (folder / "w.safetensors").write_bytes(struct.pack("<Q", length) + text + data[8 + size :])
    return read("w.safetensors", rng, assets)


@case("checkpoints")
def not_a_file(folder, rng, assets):
    name = rng.choice(["w.pth", "w.safetensors"])
    replace_by_something_else(folder / name, rng)
    return read(name, rng, assets)


@case("checkpoints")
def something_else(folder, rng, assets):
    """Files of other kinds, objects of other types, code."""
    import torch

    from helpers import CraftedPickle

    path = folder / rng.choice(["w.pth", "w.safetensors"])
    objects = [
        [], None, 5, "text", {}, {"state_dict": None}, {"state_dict": []}, {"state_dict": {}}, {"model": 5},
        {"state_dict": {"a": 1}}, {1: torch.zeros(1)}, torch.zeros(3), {"state_dict": {"backbone.x": torch.zeros(0)}},
        {"state_dict": {"x": torch.zeros(1)}, "depthkit": []}, {"a": {"b": {"c": {}}}}, {"state_dict": {None: None}},
    ]  # fmt: skip
    way = rng.randrange(6)
    if way == 0:
        torch.save(rng.choice(objects), path)
    elif way == 1:
        torch.save(
            {"state_dict": {"a": CraftedPickle(folder / "ran")}},
            path,
            _use_new_zipfile_serialization=rng.random() < 0.5,
        )
    elif way == 2:
        path.write_bytes(pickle.dumps(CraftedPickle(folder / "ran")))
    elif way == 3:
        path.write_bytes(
            rng.choice([b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"\x80\x02.", b"\x80\x04\x95" + b"\xff" * 8])
        )
    elif way == 4:
        path.write_bytes(assets.path(rng.choice(["image.png", "rooms.py"])).read_bytes())
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", bytes(rng.choice([10, 300_000_000])))
            archive.writestr("archive/version", "3\n")
    return read(path.name, rng, assets)


@case("checkpoints")
def tensors_without_plain_values(folder, rng, assets):
    import torch

    loaded = content(assets)
    state = loaded["state_dict"]
    name = rng.choice([name for name, value in state.items() if value.is_floating_point() and value.ndim == 2])
    value = state[name]
    ways = {
        "sparse": lambda: value.to_sparse(),
        "csr": lambda: value.to_sparse_csr(),
        "meta": lambda: torch.empty(value.shape, device="meta"),
        "complex": lambda: value.to(torch.complex64),
        "quantised": lambda: torch.quantize_per_tensor(value, 0.1, 0, torch.qint8),
        "whole": lambda: value.to(torch.int32),
        "bool": lambda: value > 0,
        "parameter of another shape": lambda: torch.nn.Parameter(value[:-1]),
        "expanded": lambda: torch.zeros(1).expand(200_000, 200_000),
        "empty": lambda: value[:0],
        "scalar": lambda: value.sum(),
    }
    way = rng.choice(list(ways))
    state[name] = ways[way]()
    torch.save(loaded, folder / "w.pth")
    argv = read("w.pth", rng, assets)
    if argv[0] == "export-weights" and way in ("whole", "bool", "parameter of another shape", "empty", "scalar"):
        return Attempt(argv, ACCEPTED + "an export copies tensors, and whoever loads them compares them with the model")
    if argv[0] in ("test", "train") and way in ("whole", "bool"):
        return Attempt(argv, EITHER + "mmengine converts whole numbers")
    return argv


@case("checkpoints")
def values_that_are_no_numbers(folder, rng, assets):
    import torch
    from safetensors.torch import save_file

    loaded = content(assets)
    state = loaded["state_dict"]
    name = rng.choice([name for name, value in state.items() if value.is_floating_point() and value.numel() > 1])
    bad = rng.choice([float("nan"), float("inf"), -float("inf")])
    state[name].view(-1)[rng.randrange(state[name].numel())] = bad
    if rng.random() < 0.5:
        torch.save(loaded, folder / "w.pth")
        return read("w.pth", rng, assets, ("predict", "test", "export-weights", "tokens", "train"))
    backbone = {name: value.clone() for name, value in state.items() if name.startswith("backbone.")}
    backbone["backbone.cls_token"][:] = bad
    save_file(backbone, folder / "w.safetensors")
    return read("w.safetensors", rng, assets, ("backbone",))


@case("checkpoints", EITHER + "the change keeps the names and the shapes")
def renamed_tensors(folder, rng, assets):
    import torch

    loaded = content(assets)
    state = loaded["state_dict"]
    name = rng.choice(list(state))
    value = state.pop(name)
    new = rng.choice([f"module.{name}", f"{name}.x", name.upper(), "", name * 50, "a" * 100_000])
    state[new] = value
    if rng.random() < 0.3:
        state[name] = value.T if value.ndim == 2 else value[None]
    torch.save(loaded, folder / "w.pth")
    return read("w.pth", rng, assets)


@case("checkpoints")
def a_carried_config_that_is_damaged(folder, rng, assets):
    import torch

    loaded = content(assets)
    block = loaded["depthkit"]
    part, names = block, []
    while isinstance(part, dict) and part and (not names or rng.random() < 0.8):
        name = rng.choice(sorted(part, key=str))
        names.append(name)
        parent, part = part, part[name]
    values = [
        None,
        5,
        -1,
        1e300,
        float("nan"),
        "x",
        [],
        {},
        [[]],
        {"type": "os.system"},
        "../../x",
        True,
        {"_tuple_": 5},
    ]
    parent[names[-1]] = rng.choice(values)
    torch.save(loaded, folder / "w.pth")
    attempt = read("w.pth", rng, assets, ("predict", "test", "tokens"))
    return Attempt(
        [str(word) for word in attempt], EITHER + "the command does not need that part, or the value means something"
    )


@case("checkpoints")
def a_folder_to_resume_from(folder, rng, assets):
    """A training that resumes finds a damaged checkpoint; it says so and starts from a valid one, or anew."""
    work = folder / "work"
    work.mkdir()
    (work / "epoch_1.pth").write_bytes(damage(assets.weights.read_bytes(), rng))
    if rng.random() < 0.5:
        (work / "last_checkpoint").write_text(rng.choice(["", str(work / "epoch_1.pth"), "nowhere.pth", "\0"]))
    argv = ["train", str(assets.config), "--out", "work", "--resume", "--device", "cpu"]
    argv += ["--cfg-options", "max_epochs=1", "train_cfg.max_epochs=1"]
    return Attempt(argv, EITHER + "the damaged checkpoint is named and left aside")
