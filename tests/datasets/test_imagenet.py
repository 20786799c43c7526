from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from depthkit.datasets import ImageNet
from depthkit.datasets.imagenet_labels import imagenet_names, imagenet_wnids
from depthkit.errors import InputError

PIPELINE = [dict(type="TimmTransform", img_size=32), dict(type="PackClassInputs")]
# By ImageNet's own numbering: tench is class 0, goldfish 1, toilet tissue 999.
TENCH, GOLDFISH, TISSUE = "n01440764", "n01443537", "n15075141"


def picture(path: Path, value: int = 90, size: tuple[int, int] = (60, 40), **save: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size[::-1], 3), value, np.uint8)).save(path, **save)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three of the classes, out of order, two images each, and what must be skipped."""
    for wnid in (TISSUE, TENCH, GOLDFISH):
        for i in range(2):
            picture(tmp_path / "train" / wnid / f"{i}.JPEG")
    picture(tmp_path / "train" / ".cache" / "x.JPEG")
    (tmp_path / "train" / TENCH / "notes.txt").write_text("no picture")
    (tmp_path / "train" / "readme.txt").write_text("no folder")
    return tmp_path / "train"


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    for i in (1, 2, 3):
        picture(tmp_path / "flat" / f"ILSVRC2012_val_0000000{i}.JPEG")
    return tmp_path / "flat"


def found(dataset: ImageNet) -> list[tuple[str, int]]:
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    return [("/".join(Path(info["img_path"]).parts[-2:]), info["gt_label"]) for info in infos]


def test_a_class_is_the_place_of_its_wnid_among_all_1000(folder):
    dataset = ImageNet(folder, pipeline=PIPELINE)
    labels = {TENCH: 0, GOLDFISH: 1, TISSUE: 999}
    assert found(dataset) == [(f"{wnid}/{i}.JPEG", label) for wnid, label in labels.items() for i in range(2)]
    sample = dataset[5]
    assert sample["inputs"].shape == (3, 32, 32) and sample["inputs"].dtype == torch.uint8
    assert sample["data_samples"].gt_label == 999
    assert sample["data_samples"].img_path == str(folder / TISSUE / "1.JPEG")
    assert len(ImageNet(folder, indices=4)) == 4


def test_the_names_of_the_classes():
    assert len(imagenet_wnids()) == len(imagenet_names()) == 1000
    assert imagenet_names()[0].startswith("tench") and "toilet tissue" in imagenet_names()[999]


def test_whole_classes_are_held_out(folder):
    train = ImageNet(folder, split="train", hold_out_every=3)
    val = ImageNet(folder, split="val", hold_out_every=3)
    assert {label for _, label in found(train)} == {0, 1}
    assert {label for _, label in found(val)} == {999}


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (f"{TISSUE}/1.JPEG\n{TENCH}/0.JPEG\n", [999, 0]),  # a part of the folders, by their names
        (f"# comment\n/{GOLDFISH}/1.JPEG {TENCH}\n\n{TENCH}/0.JPEG 17\n", [0, 17]),
    ],
)
def test_a_list_takes_part_of_the_folders(folder, tmp_path, text, labels):
    (tmp_path / "list.txt").write_text(text)
    dataset = ImageNet(folder, ann_file=tmp_path / "list.txt", pipeline=PIPELINE)
    assert [label for _, label in found(dataset)] == labels
    assert dataset[1]["data_samples"].gt_label == labels[1]


def test_flat_folders_with_their_ground_truth(flat, tmp_path):
    names = sorted(path.name for path in flat.iterdir())
    devkit = tmp_path / "ILSVRC2012_validation_ground_truth.txt"
    devkit.write_text("2\n3\n1\n")
    synset = np.dtype([("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("num_children", "O")])
    rows = [(1, TISSUE, "", 0), (2, TENCH, "", 0), (3, GOLDFISH, "", 0), (1001, "n00001740", "entity", 3)]
    savemat(tmp_path / "meta.mat", {"synsets": np.array(rows, dtype=synset)[:, None]})
    kaggle = tmp_path / "LOC_val_solution.csv"
    solution = {
        names[2]: f"{TISSUE} 1 2 3 4 {TISSUE} 5 6 7 8",
        names[0]: f"{TENCH} 1 2 3 4",
        names[1]: f"{GOLDFISH} 1 1 2 2",
    }
    kaggle.write_text("ImageId,PredictionString\n" + "".join(f"{k[:-5]},{v} \n" for k, v in solution.items()))
    caffe = tmp_path / "val.txt"
    caffe.write_text(f"{names[0]} 0\n{names[1]} 1\n{names[2]} 999\n")
    for ann_file in (devkit, kaggle, caffe):
        by_name = dict(found(ImageNet(flat, ann_file=ann_file)))
        assert by_name == {f"flat/{n}": label for n, label in zip(names, (0, 1, 999), strict=True)}, ann_file


def test_large_jpegs_are_decoded_small_and_exif_does_not_turn_them(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 8  # turned by 90 degrees
    picture(tmp_path / TENCH / "a.JPEG", size=(640, 480), exif=exif)
    shapes = [ImageNet(tmp_path, decode_size=n, test_mode=True)[0]["ori_shape"] for n in (None, 400, 240, 70)]
    assert shapes == [(480, 640), (480, 640), (240, 320), (120, 160)]


def test_bad_folders(folder, flat, tmp_path):
    with pytest.raises(InputError, match="none: no such folder"):
        ImageNet(tmp_path / "none")
    with pytest.raises(InputError, match=f"{flat}: has no folder named by wnid.*ann_file"):
        ImageNet(flat)
    (folder / "n02084071").mkdir()  # a wnid, but of "dog", which is not a class of ImageNet-1k
    with pytest.raises(InputError, match="'n02084071' is not a class of ImageNet-1k"):
        ImageNet(folder)
    (folder / "n02084071").rename(folder / "n01484850")
    with pytest.raises(InputError, match=f"{folder}/n01484850: this class is empty"):
        ImageNet(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; expected a list"),
        ("cats/1.JPEG\n", "image 1: 'cats' is not a class"),
        ("a.JPEG 3\nb.JPEG 1000\n", "image 2: class 1000; expected 0 to 999"),
        ("1\n2\n3\n", "meta.mat: no such file; expected the devkit's"),
    ],
)
def test_bad_lists(flat, tmp_path, text, message):
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        ImageNet(flat, ann_file=tmp_path / "list.txt")
    with pytest.raises(InputError, match="gone.txt: no such file; expected a list of images"):
        ImageNet(flat, ann_file=tmp_path / "gone.txt")


def test_a_corrupt_picture(folder, tmp_path):
    broken = folder / GOLDFISH / "0.JPEG"
    broken.write_bytes(broken.read_bytes()[:300])
    with pytest.raises(InputError, match=f"{broken}: is damaged .*allow_unreadable=True"):
        ImageNet(folder, pipeline=PIPELINE)[2]
    # Another takes its place where that is allowed; in tests it stays, marked.
    replaced = ImageNet(folder, allow_unreadable=True, pipeline=PIPELINE)[2]["data_samples"]
    assert replaced.img_path != str(broken) and "unreadable" not in replaced
    marked = ImageNet(folder, test_mode=True, pipeline=PIPELINE)[2]
    assert marked["inputs"].shape == (3, 32, 32)
    assert str(broken) in marked["data_samples"].unreadable and marked["data_samples"].gt_label == 1


def test_the_real_pictures(shared_data):
    dataset = ImageNet(shared_data / "imagenet" / "val", pipeline=PIPELINE, test_mode=True)
    assert len(dataset) == len({label for _, label in found(dataset)}) == 750
    val = ImageNet(shared_data / "imagenet" / "val", split="val", hold_out_every=3)
    assert len(val) == 250
