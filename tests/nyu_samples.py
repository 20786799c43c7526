"""What the tests of the forms of NYU Depth V2 share."""

import h5py
import numpy as np

from depthkit.utils.camera import NYU_INTRINSICS

SPLITS = {"trainNdxs": [1, 2], "testNdxs": [3, 4]}


def check_sample(sample, pair, tolerance=0.0):
    image, depth = pair
    np.testing.assert_array_equal(sample["img"], image)
    np.testing.assert_allclose(sample["gt_depth_map"], depth, atol=tolerance)
    assert sample["gt_depth_map"].dtype == np.float32
    assert sample["ori_shape"] == sample["img_shape"] == (480, 640)
    np.testing.assert_allclose(sample["intrinsics"], NYU_INTRINSICS)


def collate(samples):
    return samples


def small_mat(root, **variables):
    standard = {"images": np.ones((4, 3, 8, 6), np.uint8), "rawDepths": np.ones((4, 8, 6), np.float32)}
    with h5py.File(root / "nyu_depth_v2_labeled.mat", "w") as file:
        for name, value in {**standard, **variables}.items():
            if value is not None:
                file[name] = value
