import json

import pytest

from depthkit.cli import demo, main
from depthkit.errors import InputError


@pytest.mark.slow
def test_the_demo_trains_evaluates_and_predicts(cli, monkeypatch, tmp_path):
    """Its three commands in this process; `test_a_step_is_a_command` has how they are run."""
    folder = tmp_path / "demo"

    def run(title: str, *arguments: object) -> None:
        main.cli(list(map(str, arguments)), standalone_mode=False)

    monkeypatch.setattr(demo, "_run", run)
    result = cli("demo", "--out", folder, "--max-iters", "8")
    assert result.returncode == 0, result.stderr
    for line in ("colored depth map", "16-bit PNG [mm]", "metrics"):
        assert line in result.stdout
    assert f"depthkit predict photo.jpg --weights {folder}/best_abs_rel_" in result.stdout.splitlines()[-1]
    assert json.loads((folder / "results.json").read_text())["images"] == 32
    assert {p.name for p in (folder / "prediction").iterdir()} == {
        "grace_hopper_colored.png",
        "grace_hopper_depth.png",
        "grace_hopper_depth.npy",
    }


def test_a_step_is_a_command(capfd):
    demo._run("3/3 predict an image", "predict", "--help")
    printed = capfd.readouterr().out
    assert printed.startswith("\n== 3/3 predict an image\n$ depthkit predict --help\nUsage: ")
    with pytest.raises(InputError, match="depthkit predict ended with an error, shown above; the demo stops"):
        demo._run("3/3 predict an image", "predict", "none.png")
    assert "none.png" in capfd.readouterr().err


def test_the_demo_may_be_repeated_in_its_folder(tmp_path):
    demo._claim(tmp_path / "new")
    (tmp_path / "new" / "epoch_1.pth").touch()
    demo._claim(tmp_path / "new")


def test_the_demo_leaves_foreign_folders_alone(cli, tmp_path):
    for name in ("epoch_1.pth", "best_abs_rel_epoch_1.pth"):
        (tmp_path / name).write_bytes(b"mine")
    result = cli("demo", "--out", tmp_path)
    assert result.returncode == 2
    assert result.stderr == (
        f"error: {tmp_path}: contains files that are not of a demo; choose a new or empty folder by --out, "
        "or remove it if a demo of depthkit 0.1 wrote it\n"
    )
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "epoch_1.pth": b"mine",
        "best_abs_rel_epoch_1.pth": b"mine",
    }
