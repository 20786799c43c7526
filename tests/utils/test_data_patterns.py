import os

import pytest

from depthkit.errors import InputError
from depthkit.utils.data_patterns import expand_braces, match, split_pattern
from depthkit.utils.storage import Place


@pytest.fixture(autouse=True)
def needs_pyarrow() -> None:
    pytest.importorskip("pyarrow", reason="needs the extra [ray]")


@pytest.mark.parametrize(
    ("address", "folder", "pattern"),
    [
        ("images", "images", ""),
        ("*.png", ".", "*.png"),
        ("/data/**/*.png", "/data", "**/*.png"),
        ("s3://b/x/{000..012}.tar", "s3://b/x", "{000..012}.tar"),
        ("s3://b/x/*.tar?region=eu-central-1", "s3://b/x?region=eu-central-1", "*.tar"),
        ("s3://b/x/00?.tar", "s3://b/x", "00?.tar"),
        ("s3://b/x?region=eu-central-1", "s3://b/x?region=eu-central-1", ""),
    ],
)
def test_a_glob_is_a_folder_and_a_pattern(address, folder, pattern) -> None:
    assert split_pattern(address) == (folder, pattern)


def test_braces_and_globs_select_files(tmp_path) -> None:
    assert expand_braces("{08..11}-{a,b}") == [f"{n}-{x}" for n in ("08", "09", "10", "11") for x in "ab"]
    for name in ("08.tar", "09.tar", "12.tar", "sub/09.tar", "sub/deep/x.tar"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    patterns = ("{08..11}.tar", "*.tar", "**/*.tar", "sub/*.tar")
    chosen = {one: [file.name for file in match(Place(tmp_path), one)] for one in patterns}
    assert chosen == {
        "{08..11}.tar": ["08.tar", "09.tar"],
        "*.tar": ["08.tar", "09.tar", "12.tar"],
        "**/*.tar": ["08.tar", "09.tar", "12.tar", "sub/09.tar", "sub/deep/x.tar"],
        "sub/*.tar": ["sub/09.tar"],
    }
    with pytest.raises(InputError, match="more than 1,000,000 files"):
        expand_braces("{0..99999999999}.tar")


def test_a_path_that_exists_is_not_a_glob(tmp_path) -> None:
    (tmp_path / "br[1]").mkdir()
    assert split_pattern(f"{tmp_path}/br[1]") == (f"{tmp_path}/br[1]", "")
    assert split_pattern(f"{tmp_path}/br[2]") == (str(tmp_path), "br[2]")


@pytest.mark.skipif(os.getuid() == 0, reason="the administrator may read all folders")
def test_folders_that_a_glob_does_not_ask_for_are_not_read(tmp_path) -> None:
    (tmp_path / "x.tar").touch()
    (tmp_path / "closed").mkdir(mode=0)
    assert [file.name for file in match(Place(tmp_path), "*.tar")] == ["x.tar"]
    with pytest.raises(InputError, match="cannot be listed .Permission denied"):
        match(Place(tmp_path), "**/*.tar")
