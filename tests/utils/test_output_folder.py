"""Output folders are made and checked before anything is written to them."""

import pytest

from depthkit.errors import InputError
from depthkit.utils.output_folder import check_output_folder, make_output_folder


def test_is_made_with_its_parents_and_left_empty(tmp_path):
    for _ in range(2):  # the second time it is there
        folder = make_output_folder(tmp_path / "a" / "b")
        assert folder.is_dir() and not list(folder.iterdir())


@pytest.mark.parametrize("name", ["file", "file/below", "file/below/that"])
def test_a_file_in_the_way(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is not a folder, or lies below a file"):
        make_output_folder(tmp_path / name)


def test_a_place_where_nothing_can_be_made():
    with pytest.raises(InputError, match="/proc/depthkit: cannot be made or written to"):
        make_output_folder("/proc/depthkit")


def test_a_folder_that_can_be_made_is_not_made_by_checking_it(tmp_path):
    check_output_folder(tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    for path in ("/proc/none/a", tmp_path / "file", tmp_path / "file" / "below", tmp_path / "link" / "a"):
        with pytest.raises(InputError, match="choose an"):
            check_output_folder(path)
