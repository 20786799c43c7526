"""DepthProtocolMetric: averages, skipped images, several processes, saved predictions."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from PIL import Image

from depthkit.errors import InputError
from depthkit.evaluation import METRIC_NAMES, depth_metric, depth_metrics, get_protocol
from depthkit.evaluation.boundaries import BOUNDARY_NAMES, boundary_errors
from depthkit.evaluation.depth_metric import DepthProtocolMetric, prediction_name
from depthkit.registry import METRICS
from helpers import tool_environment


def make_samples(count=5, shape=(48, 64), seed=0):
    rng = np.random.default_rng(seed)
    samples = []
    for i in range(count):
        gt = rng.uniform(0.5, 12, shape).astype(np.float32)
        gt[rng.random(shape) < 0.2 + 0.1 * i] = 0
        pred = (np.maximum(gt, 1) * rng.uniform(0.7, 1.6, shape)).astype(np.float32)
        samples.append(make_sample(pred, gt, f"root/scene_{i % 2}/rgb_{i:05d}.jpg"))
    return samples


def make_sample(pred, gt, img_path="scene/rgb.jpg"):
    sample = SegDataSample(metainfo={"img_path": img_path})
    sample.pred_depth_map = PixelData(data=torch.from_numpy(pred)[None])
    sample.gt_depth_map = PixelData(data=torch.from_numpy(gt)[None])
    return sample


def run(metric, samples):
    evaluator = Evaluator(metric)
    for sample in samples:
        evaluator.process(data_samples=[sample])
    return evaluator.evaluate(len(samples))


def arrays(samples):
    for sample in samples:
        yield sample.pred_depth_map.data[0].numpy(), sample.gt_depth_map.data[0].numpy()


@pytest.mark.parametrize("name", ["eigen", "full"])
def test_is_the_mean_of_the_pictures_metrics(name):
    samples, protocol = make_samples(), get_protocol(name)
    each = [
        depth_metrics(np.clip(pred.astype(float), 1e-3, 10), gt, protocol.valid_mask(gt))
        for pred, gt in arrays(samples)
    ]
    result = run(METRICS.build({"type": "DepthProtocolMetric", "protocol": name}), samples)
    assert set(result) == {*METRIC_NAMES, "images", "skipped"}
    assert (result["images"], result["skipped"]) == (5, 0)
    for key in METRIC_NAMES:
        assert result[key] == pytest.approx(np.mean([one[key] for one in each]), rel=1e-12)


def test_densedepth_pools_the_pixels():
    samples, protocol = make_samples(), get_protocol("densedepth")
    pred, gt, valid = [], [], []
    for one_pred, one_gt in arrays(samples):
        pred.append(np.clip(one_pred.astype(float), 1e-3, 10))
        gt.append(one_gt)
        valid.append(protocol.valid_mask(one_gt))
    expected = depth_metrics(np.stack(pred), np.stack(gt), np.stack(valid))
    result = run(DepthProtocolMetric("densedepth"), samples)
    assert {key: result[key] for key in METRIC_NAMES} == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["full", "eigen", "densedepth"])
def test_boundaries_are_measured_beside_the_others(name):
    samples, protocol = make_samples(), get_protocol(name)
    flat = np.full((48, 64), 2, np.float32)
    samples.append(make_sample(flat, flat))  # no edge: does not count
    plain, result = (run(DepthProtocolMetric(name, boundary=on), samples) for on in (False, True))
    each = [
        boundary_errors(protocol.prepare(pred, gt.shape), gt, protocol.valid_mask(gt)) for pred, gt in arrays(samples)
    ]
    assert tuple(result) == (*METRIC_NAMES, *BOUNDARY_NAMES, "images", "skipped")
    assert {key: result[key] for key in plain} == plain
    assert result["boundary_f1"] == pytest.approx(np.mean([one.f1 for one in each[:-1]]))
    near = [(one.abs_rel, one.pixels) for one in each[:-1]]
    pooled = sum(total for total, _ in near) / sum(count for _, count in near)
    expected = pooled if protocol.pooled else np.mean([total / count for total, count in near])
    assert result["edge_abs_rel"] == pytest.approx(expected)
    only_flat = run(DepthProtocolMetric(name, boundary=True), samples[-1:])
    assert not only_flat.keys() & set(BOUNDARY_NAMES)


def test_pictures_without_valid_pixels_and_nan_predictions():
    samples = make_samples(3)
    empty = make_sample(np.ones((48, 64), np.float32), np.zeros((48, 64), np.float32))
    expected = run(DepthProtocolMetric("full"), samples)
    result = run(DepthProtocolMetric("full"), [samples[0], empty, *samples[1:]])
    assert (result.pop("skipped"), result.pop("images")) == (1, 3)
    assert result == {key: expected[key] for key in METRIC_NAMES}
    samples[0].pred_depth_map.data[:, 10, 10] = float("nan")
    with pytest.raises(InputError, match=r"^root/scene_0/rgb_00000.jpg: 1 of 3072 pixels of the prediction are NaN"):
        run(DepthProtocolMetric("full"), samples)
    assert np.isfinite(list(run(DepthProtocolMetric("full", allow_nan=True), samples).values())).all()


def test_a_ground_truth_that_is_mostly_out_of_range_is_told(monkeypatch):
    told = []
    monkeypatch.setattr(depth_metric, "print_log", lambda text, *_, **__: told.append(text))
    gt = np.full((4, 8), 25, np.float32)
    gt[0] = 2.5
    metric = DepthProtocolMetric("full")
    run(metric, [make_sample(np.full((4, 8), 3, np.float32), gt)])
    assert told.pop(0).startswith("24 of the 32 measured pixels are 10 m away or more and do not count; ")
    told.clear()
    run(metric, [make_sample(np.full((4, 8), 3, np.float32), gt / 10)])
    assert not any("depth_scale" in text for text in told)


def test_nothing_valid_at_all_is_an_error():
    zeros = np.zeros((8, 8), np.float32)
    with pytest.raises(InputError, match="none of the 2 images has a valid pixel.*depth files and their scale"):
        run(DepthProtocolMetric("full"), [make_sample(zeros + 1, zeros)] * 2)


def test_the_prediction_is_resized_to_the_ground_truth():
    gt = np.full((96, 128), 3, np.float32)
    result = run(DepthProtocolMetric("full"), [make_sample(np.full((24, 32), 3, np.float32), gt)])
    assert result["abs_rel"] == pytest.approx(0, abs=1e-7)


def test_keeps_a_few_numbers_for_a_picture_of_any_size():
    metric = DepthProtocolMetric("full")
    metric.process(None, [make_samples(1, (480, 640))[0].to_dict()])
    assert len(pickle.dumps(metric.results)) < 1000


def test_there_is_no_warning_about_a_prefix(capfd):
    DepthProtocolMetric()
    assert "prefix" not in "".join(capfd.readouterr())


def test_a_sample_without_ground_truth_is_named():
    sample = make_samples(1)[0]
    del sample.gt_depth_map
    with pytest.raises(InputError, match="scene_0/rgb_00000.jpg: has no ground truth"):
        run(DepthProtocolMetric("full"), [sample])


def test_predictions_are_saved_in_millimetres(tmp_path):
    samples = make_samples(3)
    run(DepthProtocolMetric("full", save_dir=tmp_path / "new" / "folder"), samples)
    files = sorted((tmp_path / "new" / "folder").iterdir())
    assert [file.name[:18] for file in files] == ["scene_0_rgb_00000_", "scene_0_rgb_00002_", "scene_1_rgb_00001_"]
    saved = np.asarray(Image.open(files[0]))
    assert saved.dtype == np.uint16
    np.testing.assert_allclose(saved / 1000, samples[0].pred_depth_map.data[0], atol=5.1e-4)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file/below: is not a folder"):
        DepthProtocolMetric(save_dir=tmp_path / "file" / "below")


def test_names_of_predictions_are_unique_and_readable():
    paths = ["a/s1/rgb/0.jpg", "a/s2/rgb/0.jpg", "a/s2/rgb/0.png", "n.mat#1", "n.mat#12", "x/kitchen/rgb_1.jpg", ""]
    names = [prediction_name(path) for path in paths]
    assert len(set(names)) == len(names)
    assert names[0].startswith("rgb_0_") and names[4].startswith("n_12_") and names[5].startswith("kitchen_rgb_1_")
    long = prediction_name(f"{'ü' * 120}/{'日' * 80}\udcff.png")
    assert len(long.encode()) <= 255 and long.endswith("_depth.png")
    assert all(name.endswith("_depth.png") and "/" not in name and "#" not in name for name in names)


TWO_PROCESSES = """
import pickle, sys
from pathlib import Path
import torch.distributed as dist
from mmengine.evaluator import Evaluator
from depthkit.evaluation.depth_metric import DepthProtocolMetric

rank, folder = int(sys.argv[1]), Path(sys.argv[2])
dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
samples = pickle.loads((folder / "samples.pkl").read_bytes())
for protocol in ("full", "densedepth"):
    evaluator = Evaluator(DepthProtocolMetric(protocol))
    # 5 images on 2 processes, as mmengine's sampler deals them: the second gets the first image again.
    for sample in [*samples, samples[0]][rank::2]:
        evaluator.process(data_samples=[sample])
    result = evaluator.evaluate(len(samples))
    (folder / f"{protocol}_{rank}.pkl").write_bytes(pickle.dumps(result))
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_give_what_one_gives(tmp_path):
    samples = make_samples(5)
    samples[3].gt_depth_map.data[:] = 0  # skipped, on the second process
    (tmp_path / "samples.pkl").write_bytes(pickle.dumps(samples))
    command = [sys.executable, "-c", TWO_PROCESSES]
    processes = [
        subprocess.Popen([*command, str(rank), str(tmp_path)], env=tool_environment(), cwd=tmp_path)
        for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    for protocol in ("full", "densedepth"):
        expected = run(DepthProtocolMetric(protocol), samples)
        assert (expected["images"], expected["skipped"]) == (4, 1)
        for rank in range(2):
            assert pickle.loads((tmp_path / f"{protocol}_{rank}.pkl").read_bytes()) == expected
    assert not (tmp_path / ".dist_test").exists()
