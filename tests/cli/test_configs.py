import json

from helpers import CONFIGS


def test_every_config_is_listed_with_what_it_is(cli, tmp_path):
    done = cli("configs", "--json", tmp_path / "configs.json")
    assert done.returncode == 0, done.stderr
    listed = json.loads((tmp_path / "configs.json").read_text())
    names = [config["name"] for config in listed]
    assert {"nyu_tosa_small", "demo_rooms"} <= set(names)
    assert all((CONFIGS / f"{name}.py").is_file() for name in names)
    for line, config in zip(done.stdout.splitlines(), listed, strict=True):
        assert line.split(maxsplit=1) == [config["name"], config["title"]]
