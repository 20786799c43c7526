import copy

from mmengine.config import Config

from depthkit.engine.formatted_config import FormattedOnce


def test_its_text_is_that_of_mmengine_also_after_a_change(monkeypatch) -> None:
    plain = Config({"model": {"type": "DeiT", "sizes": (1, 2)}, "name": "a"})
    config = FormattedOnce.of(plain)
    assert config.pretty_text == plain.pretty_text
    config.model.depth = 3
    changed = config.pretty_text
    assert "depth=3" in changed and changed == Config({"model": config.model.to_dict(), "name": "a"}).pretty_text
    copied = copy.deepcopy(config)
    monkeypatch.setattr("yapf.yapflib.yapf_api.FormatCode", None)  # an unchanged one is not formatted again
    assert config.pretty_text == changed == copied.pretty_text
