"""Whether what depthkit is built on can be imported: the tested mm distributions above all.

`onedl-mmengine` and upstream's `mmengine` install the same import package, so pip puts one over the other
without a word, and what is left fails far from the cause. `depthkit.registry` is the first module of depthkit
to import any of them; `depthkit.engine` and every tool call `check_environment` before that.
"""

import os
from importlib.metadata import PackageNotFoundError, version

from depthkit.errors import InputError

# Distribution that depthkit is tested with -> distributions that install the same import package.
_REPLACED = {
    "onedl-mmengine": ("mmengine", "mmengine-lite"),
    "onedl-mmcv": ("mmcv", "mmcv-lite", "mmcv-full"),
    "onedl-mmsegmentation": ("mmsegmentation",),
}
# What libraries read as numbers: huggingface_hub, which timm needs too, when it is imported; mmengine when it logs.
_NUMBERS = {
    "HF_HUB_ETAG_TIMEOUT": "seconds",
    "HF_HUB_DOWNLOAD_TIMEOUT": "seconds",
    "LOCAL_RANK": "this process among those of the machine, as torchrun sets it",
}


def check_environment() -> None:
    """Check the installed distributions; takes milliseconds and imports none of them.

    Raises:
        InputError: upstream mmengine, mmcv or mmsegmentation is installed (beside, under or over the
            onedl one), an onedl one is missing, OpenCV cannot be loaded, or an environment variable is not a number.
    """
    _check_numbers()
    upstream = [name for names in _REPLACED.values() for name in names if _version(name)]
    if upstream:
        ours = " ".join(_REPLACED)
        raise InputError(
            f"{', '.join(f'{name} {_version(name)}' for name in upstream)} is installed and hides the onedl "
            "distributions of the same import name that depthkit needs; run: pip uninstall -y "
            f"{' '.join(upstream)} && pip install --force-reinstall --no-deps {ours}"
        )
    missing = [name for name in _REPLACED if not _version(name)]
    if missing:
        raise InputError(
            f"{', '.join(missing)} is not installed; run: pip install {' '.join(missing)}, or set depthkit "
            "up again with: make setup"
        )
    _check_opencv()


def _check_numbers() -> None:
    for name, meaning in _NUMBERS.items():
        value = os.environ.get(name, "0")
        if not value.strip().isdecimal():
            raise InputError(
                f"{name}={value!r}: expected a whole number ({meaning}); change or unset this environment variable"
            )


def _check_opencv() -> None:
    try:
        import cv2  # noqa: F401
    except ImportError as error:
        if ".so" not in str(error):
            raise InputError(f"OpenCV cannot be imported ({error}); run: pip install opencv-python") from error
        raise InputError(
            f"OpenCV cannot be loaded, a system library is missing ({error}); install it (Debian, Ubuntu: "
            "apt install libgl1 libglib2.0-0), or use pip install opencv-python-headless in place of "
            "opencv-python"
        ) from error


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
