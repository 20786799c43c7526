"""`--keep-rate`, `--selection` and `--selective-layers`, with `depthkit predict`."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "a.png"
    coarse = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((140, 96), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture
def predict(cli, image, demo_checkpoint, tmp_path):
    """Predict with the demo's ToSA of keep rate 0.5; returns the process, and the depth where there is one."""

    def run(*arguments: object, model: tuple = ()) -> tuple:
        given = model or ("--weights", demo_checkpoint, "--config", "demo_rooms")
        done = cli("predict", image, *given, "--device", "cpu", "--out", tmp_path / "out", *arguments)
        found = list((tmp_path / "out").glob("*.npy"))
        return done, np.load(found[0]) if found else None

    return run


def test_the_rate_of_a_tosa_changes(predict):
    depths = {}
    for arguments in ((), ("--keep-rate", "0.5"), ("--keep-rate", "0.25"), ("--keep-rate", "1")):
        done, depths[arguments[-1:]] = predict(*arguments)
        assert done.returncode == 0, done.stderr
    own, half, quarter, dense = depths.values()
    assert np.array_equal(own, half)
    assert not np.array_equal(own, quarter) and not np.array_equal(own, dense)


def test_a_published_model_selects_in_the_layers_that_are_named(predict, tiny_zoo):
    name = "depth-anything-v2-small"
    model = ("--model", name, "--weights", tiny_zoo(name), "--input-size", 84)
    dense, same, fewer = (
        predict(*arguments, model=model)[1]
        for arguments in (
            (),
            ("--keep-rate", "1", "--selective-layers", "1,3"),
            ("--keep-rate", "0.3,0.6", "--selective-layers", "1,3", "--selection", "per_head"),
        )
    )
    assert np.array_equal(dense, same) and not np.array_equal(dense, fewer)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--selection", "shared"), "--selection: says how patches are selected; add --keep-rate."),
        (("--selective-layers", "1"), "--selective-layers: says how patches are selected; add --keep-rate."),
        (("--keep-rate", "much"), "'much': expected a number, or numbers with commas between"),
        (("--keep-rate", "2"), "'2': expected a number, or numbers above 0 and at most 1"),
        (("--keep-rate", "0.5", "--selective-layers", "1,x"), "'1,x': expected whole numbers with commas between"),
        (("--keep-rate", "0.5", "--selective-layers", "2"), "selective_layers=(2,): this model is a ToSA with"),
        (("--keep-rate", "0.5,0.5,0.5,0.5,0.5,0.5,0.5"), "one for each of the"),
    ],
)
def test_what_cannot_be_selected_is_said(predict, arguments, message):
    done, depth = predict(*arguments)
    assert done.returncode == 2 and depth is None
    assert message in done.stderr and "Traceback" not in done.stderr
