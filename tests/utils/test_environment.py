import builtins
from importlib.metadata import PackageNotFoundError

import pytest

from depthkit.errors import InputError
from depthkit.utils import environment
from depthkit.utils.environment import check_environment

TESTED = {"onedl-mmengine": "0.10.12", "onedl-mmcv": "2.3.6", "onedl-mmsegmentation": "1.4.2"}


def install(monkeypatch: pytest.MonkeyPatch, distributions: dict[str, str]) -> None:
    def version(name: str) -> str:
        if name not in distributions:
            raise PackageNotFoundError(name)
        return distributions[name]

    monkeypatch.setattr(environment, "version", version)


def test_this_environment_is_a_tested_one() -> None:
    check_environment()


@pytest.mark.parametrize("upstream", ["mmengine", "mmengine-lite", "mmcv", "mmcv-lite", "mmsegmentation"])
def test_upstream_beside_ours_is_an_error_with_the_repair(monkeypatch, upstream: str) -> None:
    install(monkeypatch, {**TESTED, upstream: "1.2.3"})
    with pytest.raises(InputError, match=f"^{upstream} 1.2.3 is installed") as caught:
        check_environment()
    assert f"pip uninstall -y {upstream}" in str(caught.value)
    assert "pip install --force-reinstall --no-deps onedl-mmengine onedl-mmcv" in str(caught.value)


@pytest.mark.parametrize("gone", TESTED)
def test_a_missing_one_is_named(monkeypatch, gone: str) -> None:
    install(monkeypatch, {name: v for name, v in TESTED.items() if name != gone})
    with pytest.raises(InputError, match=f"^{gone} is not installed; run: pip install {gone}"):
        check_environment()


def test_opencv_without_its_system_library_says_what_to_install(monkeypatch) -> None:
    real_import = builtins.__import__

    def broken_import(name: str, *args: object, **kwargs: object) -> object:
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", broken_import)
    with pytest.raises(InputError, match=r"libGL.so.1.*apt install libgl1.*opencv-python-headless"):
        check_environment()


@pytest.mark.parametrize("name", ["HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"])
def test_settings_with_which_the_hub_could_not_be_imported(monkeypatch, name: str) -> None:
    for value in ("abc", "", "2.5", "-1"):
        monkeypatch.setenv(name, value)
        with pytest.raises(InputError, match=f"^{name}='{value}': expected a whole number [(]seconds[)]; "):
            check_environment()
    monkeypatch.setenv(name, "30")
    check_environment()
