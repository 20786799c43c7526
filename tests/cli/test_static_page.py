"""`depthkit static-page` as a command."""

import pytest


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--weights", "none.pth"), "none.pth: no such checkpoint file"),
        (("--onnxruntime-web", "nowhere"), "nowhere: has no ort.wasm.bundle.min.mjs"),
    ],
)
def test_wrong_options_are_one_sentence_and_nothing_is_written(cli, options, words, tmp_path):
    done = cli("static-page", "--out", tmp_path / "site", *options)
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
