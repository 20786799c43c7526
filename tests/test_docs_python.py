"""The snippets of docs/python.md run as they stand there."""

import re

import pytest

from helpers import REPOSITORY


@pytest.mark.slow
def test_the_snippets_run_one_after_the_other(tmp_path, monkeypatch, capsys) -> None:
    import matplotlib.cbook

    photo = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    (tmp_path / "photo.jpg").symlink_to(photo)
    monkeypatch.chdir(tmp_path)
    page = (REPOSITORY / "docs" / "python.md").read_text(encoding="utf-8")
    snippets = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(snippets) == 5
    names: dict = {}
    for snippet in snippets:
        exec(compile(snippet, "docs/python.md", "exec"), names)
    assert capsys.readouterr().out.endswith("no_such_file.jpg: no such file; expected an image\n")
    for written in ("predictor", "result"):
        shown = re.search(rf"^{written} +# (Depth.*)$", page, re.MULTILINE)[1]
        assert repr(names[written]).replace("cuda:0", "cpu") == shown
    assert (tmp_path / "photo_depth.npy").is_file()
