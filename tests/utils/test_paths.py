from pathlib import Path

import pytest

from depthkit.errors import InputError
from depthkit.utils.paths import cache_folder, expand_home


@pytest.mark.parametrize(
    ("path", "expected"),
    [("~/a.png", "/home/me/a.png"), ("~", "/home/me"), ("~no-such-user/a.png", "~no-such-user/a.png"), ("a~", "a~")],
)
def test_only_the_home_of_a_user_who_exists_is_expanded(path, expected, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert expand_home(path) == expand_home(Path(path)) == Path(expected)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "a/" * 3000])
def test_a_name_that_no_file_can_have_is_an_error(name):
    with pytest.raises(InputError, match="cannot be used as a path"):
        expand_home(name)


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("DEPTHKIT_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("DEPTHKIT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "depthkit"
