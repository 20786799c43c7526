"""Where else a training is logged: TensorBoard, Weights & Biases."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from mmengine.config import Config

from depthkit.errors import InputError

# Backends of mmengine's visualizer that need a package: the package, which also is the name of depthkit's extra.
_PACKAGES = {"TensorboardVisBackend": "tensorboard", "WandbVisBackend": "wandb"}


def check_package(package: str, asked: str) -> None:
    """Check that the package of an extra is installed.

    Args:
        package: ``tensorboard`` or ``wandb``.
        asked: what asks for it, for the message.

    Raises:
        InputError: it is not.
    """
    if find_spec(package) is None:
        raise InputError(f"{asked}: needs the package {package}; run: pip install 'depthkit[{package}]'")


def complete_backends(config: Config) -> None:
    """Check the backends of a config's `visualizer`, and add the log of scalars that a resume needs.

    Raises:
        InputError: they are not a list of configs, or the package of one is not installed.
    """
    visualizer = config.get("visualizer")
    if visualizer is None:
        return
    backends = visualizer.get("vis_backends", []) if isinstance(visualizer, dict) else None
    if not isinstance(backends, list) or not all(isinstance(one, dict) and "type" in one for one in backends):
        raise InputError(
            "visualizer: expected dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend'), ...])"
        )
    types = [str(one["type"]).rpartition(".")[2] for one in backends]
    for name in types:
        if name in _PACKAGES:
            check_package(_PACKAGES[name], f"visualizer: {name}")
    if "LocalVisBackend" not in types:
        visualizer["vis_backends"] = [{"type": "LocalVisBackend"}, *backends]


@contextmanager
def backend_errors() -> Iterator[None]:
    """Turn what Weights & Biases raises inside, such as where nobody is logged in, into an `InputError`."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "wandb":
            raise
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"visualizer: Weights & Biases cannot be used ({reason}); run wandb login, set WANDB_MODE=offline, or "
            "leave WandbVisBackend out"
        ) from error
