import pytest

import depthkit
from depthkit.errors import InputError
from depthkit.zoo.packaged import packaged_weights


def test_a_missing_file_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(depthkit, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(InputError, match="rooms-deit-tiny.safetensors: the packaged model is missing; install"):
        packaged_weights()
