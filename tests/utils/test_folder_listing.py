import os

from depthkit.utils.folder_listing import list_folder


def test_links_to_folders_are_not_followed(tmp_path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "a.png").write_bytes(b"1")
    (tmp_path / "s" / "loop").symlink_to("..")
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "b.png").symlink_to("s/a.png")
    (tmp_path / ".c").mkdir()
    (tmp_path / ".c" / "d.png").touch()
    time = (tmp_path / "s" / "a.png").stat().st_mtime_ns
    assert sorted(list_folder(str(tmp_path))) == [("b.png", 1, time), ("s/a.png", 1, time)]
    assert [name for name, *_ in list_folder(str(tmp_path), 1)] == ["b.png"]
    assert list(list_folder(str(tmp_path / "none"))) == []


def test_a_name_that_is_no_text_is_found(tmp_path) -> None:
    name = os.fsdecode(b"\xff.png")
    (tmp_path / name).touch()
    assert [one for one, *_ in list_folder(str(tmp_path))] == [name]
