"""The valid files that hostile inputs are made from: tiny weights, configs and data sets, made once in a session."""

import shutil
from pathlib import Path

SIZE = (64, 64)  # of images (H, W)
FRAMES = 4


class Assets:
    """A folder of valid files.

    weights.pth, weights.safetensors: a small ToSA that predicts metres; they carry their config.
    rooms.py: that config, a training and a test on two generated rooms.
    image.png, image.jpg, depth.png: an RGB-D pair.
    nyu_sync, nyu_mat, nyu_h5, rgbd: data sets of four pairs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getattr__(self, name: str) -> Path:
        return self.folder / name

    def path(self, name: str) -> Path:
        return self.folder / name

    @property
    def weights(self) -> Path:
        return self.folder / "weights.pth"

    @property
    def config(self) -> Path:
        return self.folder / "rooms.py"

    def copy(self, name: str, folder: Path) -> Path:
        """Copy a file or a data set into `folder`, to be damaged there."""
        source, target = self.folder / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)
        return target

    def test_on(self, folder: Path, dataset: str) -> list[str]:
        """Return the command that evaluates the weights on a data set, which is the text of a dict's items."""
        loader = (
            f"dict(_delete_=True, batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False), "
            f"dataset=dict({dataset}, pipeline=[dict(type='PackDepthInputs')]))"
        )
        (folder / "config.py").write_text(f"_base_ = {str(self.config)!r}\ntest_dataloader = {loader}\n")
        return ["test", str(self.weights), "--config", "config.py", "--device", "cpu"]

    def predict(self, *images: str | Path) -> list[str]:
        """Return the command that predicts images with the weights."""
        return ["predict", *map(str, images), "--weights", str(self.weights), "--out", "out", "--device", "cpu"]


def make_assets(folder: str) -> None:
    """Write the files of `Assets`; called in a process of the server, which has imported torch already."""
    import h5py
    import numpy as np
    import torch
    from mmengine.registry import DefaultScope
    from PIL import Image
    from scipy.io import savemat

    import depthkit.models  # noqa: F401 (registers)
    from depthkit.apis.export_weights import export_weights
    from depthkit.datasets.rooms.dataset import RoomGenerator
    from depthkit.models.checkpoint_info import CheckpointInfo
    from depthkit.registry import MODELS
    from depthkit.utils.config import config_to_plain, load_config
    from depthkit.utils.io import write_depth_png, write_rgb
    from helpers import TINY_ROOMS

    root = Path(folder)
    text = TINY_ROOMS.replace("length=5", "length=2").replace("length=12", "length=4")
    resize = 'dict(type="ResizeRGBD", size=size, mode="fit", resize_depth=False)'
    (root / "rooms.py").write_text(text.replace("test_pipeline = pipeline", f"test_pipeline = [{resize}, *pipeline]"))
    config = load_config(root / "rooms.py")
    with DefaultScope.overwrite_default_scope("depthkit"):
        torch.manual_seed(0)
        model = MODELS.build(config.model)
    info = CheckpointInfo.of_training(config_to_plain(config), str(root / "rooms.py"))
    torch.save({"state_dict": model.state_dict(), "meta": {}, "depthkit": info.to_plain()}, root / "weights.pth")
    export_weights(root / "weights.pth", root / "weights.safetensors")

    rooms = [RoomGenerator(FRAMES, SIZE, 1).read({"index": index}) for index in range(FRAMES)]
    write_rgb(root / "image.png", rooms[0].image)
    Image.fromarray(rooms[0].image).save(root / "image.jpg")
    write_depth_png(root / "depth.png", rooms[0].depth)
    for index, room in enumerate(rooms):
        for data_set, image, depth in (
            ("nyu_sync/scene", f"rgb_{index:05d}.png", f"sync_depth_{index:05d}.png"),
            ("rgbd", f"rgb/{index}.png", f"depth/{index}.png"),
        ):
            for name, write, values in ((image, write_rgb, room.image), (depth, write_depth_png, room.depth)):
                (root / data_set / name).parent.mkdir(parents=True, exist_ok=True)
                write(root / data_set / name, values)
        for split in ("train", "val/official"):
            (root / "nyu_h5" / split).mkdir(parents=True, exist_ok=True)
            with h5py.File(root / "nyu_h5" / split / f"{index}.h5", "w") as file:
                file["rgb"], file["depth"] = room.image.transpose(2, 0, 1), room.depth
    lines = [f"scene/rgb_{i:05d}.png scene/sync_depth_{i:05d}.png 518.8579\n" for i in range(FRAMES)]
    (root / "nyu_sync" / "train.txt").write_text("".join(lines[:2]))
    (root / "nyu_sync" / "test.txt").write_text("".join(lines[2:]))
    (root / "rgbd" / "test.txt").write_text("".join(f"rgb/{i}.png depth/{i}.png\n" for i in range(FRAMES)))
    mat = root / "nyu_mat"
    mat.mkdir()
    with h5py.File(mat / "nyu_depth_v2_labeled.mat", "w", userblock_size=512) as file:
        file["images"] = np.stack([room.image.transpose(2, 1, 0) for room in rooms])
        file["rawDepths"] = file["depths"] = np.stack([room.depth.T for room in rooms])
    savemat(mat / "splits.mat", {"trainNdxs": np.array([[1], [3]], "u2"), "testNdxs": np.array([[2], [4]], "u2")})
