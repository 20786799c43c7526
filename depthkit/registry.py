"""Registries of depthkit: children of mmsegmentation's, in the scope ``depthkit``.

A child registry also finds the modules of its parents, so a config with ``default_scope = 'depthkit'`` can name
``ToSA`` (ours) and ``mmseg.SwinTransformer`` alike. Where both sides have a name (``DPTHead``), the bare name is
depthkit's and mmseg's needs its prefix. Model wrappers have no registry here, because mmengine's Runner looks them
up in its root registry only.
"""

# ruff: noqa: E402  (the check comes before the first import of an mm package)
import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from depthkit.utils.deferred_imports import import_libraries
from depthkit.utils.environment import check_environment

check_environment()
import_libraries()

import mmengine.registry.registry
from mmengine.registry import RUNNERS as MMENGINE_RUNNERS
from mmengine.registry import DefaultScope, Registry
from mmseg.registry import DATASETS as MMSEG_DATASETS
from mmseg.registry import HOOKS as MMSEG_HOOKS
from mmseg.registry import LOOPS as MMSEG_LOOPS
from mmseg.registry import METRICS as MMSEG_METRICS
from mmseg.registry import MODELS as MMSEG_MODELS
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS as MMSEG_OPTIM_WRAPPER_CONSTRUCTORS
from mmseg.registry import OPTIM_WRAPPERS as MMSEG_OPTIM_WRAPPERS
from mmseg.registry import TRANSFORMS as MMSEG_TRANSFORMS

SCOPE = "depthkit"


class _Models(Registry):
    """Models, whose parent's are imported when a name is asked for that is not depthkit's own.

    A child registry does not import its parent's modules, and mmseg's models take as long as half of torch.
    """

    def get(self, key: str) -> type | None:
        self.import_from_location()
        if key not in self.module_dict:
            with warnings.catch_warnings():
                # It is about compiled ops that the pure-python mmcv lacks and nothing here uses.
                warnings.filterwarnings("ignore", message="Fail to import ``MultiScaleDeformableAttention``")
                importlib.import_module("mmseg.models")
        return super().get(key)


MODELS = _Models(
    "model", parent=MMSEG_MODELS, scope=SCOPE, locations=["depthkit.models", "depthkit.apis.depth_teacher"]
)
DATASETS = Registry("dataset", parent=MMSEG_DATASETS, scope=SCOPE, locations=["depthkit.datasets"])
TRANSFORMS = Registry("transform", parent=MMSEG_TRANSFORMS, scope=SCOPE, locations=["depthkit.datasets.transforms"])
METRICS = Registry(
    "metric",
    parent=MMSEG_METRICS,
    scope=SCOPE,
    locations=[f"depthkit.evaluation.{name}" for name in ("accuracy", "depth_metric", "sample_means")],
)
HOOKS = Registry("hook", parent=MMSEG_HOOKS, scope=SCOPE, locations=["depthkit.engine"])
LOOPS = Registry("loop", parent=MMSEG_LOOPS, scope=SCOPE, locations=["depthkit.engine"])
RUNNERS = Registry("runner", parent=MMENGINE_RUNNERS, scope=SCOPE, locations=["depthkit.engine"])
OPTIM_WRAPPERS = Registry("optim_wrapper", parent=MMSEG_OPTIM_WRAPPERS, scope=SCOPE, locations=["depthkit.engine"])
OPTIM_WRAPPER_CONSTRUCTORS = Registry(
    "optimizer wrapper constructor",
    parent=MMSEG_OPTIM_WRAPPER_CONSTRUCTORS,
    scope=SCOPE,
    locations=["depthkit.engine"],
)


@contextmanager
def depthkit_scope() -> Iterator[None]:
    """Build in depthkit's scope inside the block; the process's default scope is restored afterwards."""
    with DefaultScope.overwrite_default_scope(SCOPE):
        yield


@contextmanager
def registered_types_only() -> Iterator[None]:
    """Let a `type` inside be the name of a registered class only, because the config came with a file.

    mmengine imports any other name as a Python path and calls what it finds: ``type="os.system"`` runs a command.
    """
    module = mmengine.registry.registry
    before = module.get_object_from_string
    module.get_object_from_string = lambda name: None
    try:
        yield
    finally:
        module.get_object_from_string = before
