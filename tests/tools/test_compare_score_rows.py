from helpers import load_tool

TOOL = load_tool("analysis_tools/compare_score_rows").main


def test_the_table_has_a_line_for_each_score(call_tool, shared_data, deit_tiny_weights):
    images = shared_data / "imagenet" / "val"
    result = call_tool(TOOL, images, "--weights", deit_tiny_weights, "--count", "3")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert "3 images, keep_rate 0.5; chance is 0.50" in lines
    values = [line.split()[2:] for line in lines if line.startswith(("grid", "pooled"))]
    assert len(values) == 4
    assert all(0.5 < float(value) <= 1 for row in values for value in row)


def test_a_folder_without_images_is_an_error(call_tool, tmp_path):
    result = call_tool(TOOL, tmp_path, "--weights", "none.pth")
    assert result.returncode == 2
    assert result.stderr.strip() == f"error: {tmp_path}: contains no image; give another folder"
