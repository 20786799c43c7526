import json


def test_the_demo_trains_evaluates_and_predicts(run_tool, tmp_path):
    (tmp_path / "mine.pth").write_bytes(b"not the demo's")
    result = run_tool("demo", "--work-dir", tmp_path, "--max-iters", "8")
    assert result.returncode == 0, result.stderr
    for line in ("coloured depth map", "16-bit PNG [mm]", "metrics"):
        assert line in result.stdout
    assert json.loads((tmp_path / "results.json").read_text())["images"] == 32
    assert {p.name for p in (tmp_path / "photo").iterdir()} == {
        "grace_hopper_colored.png",
        "grace_hopper_depth.png",
        "grace_hopper_depth.npy",
    }
    assert (tmp_path / "mine.pth").exists(), "only the demo's own files are replaced"
