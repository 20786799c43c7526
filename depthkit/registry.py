"""Registries of depthkit: children of mmsegmentation's, in the scope ``depthkit``.

Being children, they find mmseg's and mmengine's modules too, so a config with
``default_scope = 'depthkit'`` can name ``ToSA`` (ours) and ``mmseg.SwinTransformer`` alike. Where both sides
have a name (``DPTHead``, ``Resize``), the bare name is depthkit's and mmseg's needs its prefix.
Model wrappers have no registry here: mmengine's Runner looks them up in its root registry only.
"""

# ruff: noqa: E402  (the check comes before the first import of an mm package)
from depthkit.utils.environment import check_environment

check_environment()

from mmengine.registry import RUNNERS as MMENGINE_RUNNERS
from mmengine.registry import Registry
from mmseg.registry import DATASETS as MMSEG_DATASETS
from mmseg.registry import HOOKS as MMSEG_HOOKS
from mmseg.registry import LOOPS as MMSEG_LOOPS
from mmseg.registry import METRICS as MMSEG_METRICS
from mmseg.registry import MODELS as MMSEG_MODELS
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS as MMSEG_OPTIM_WRAPPER_CONSTRUCTORS
from mmseg.registry import TRANSFORMS as MMSEG_TRANSFORMS

SCOPE = "depthkit"

MODELS = Registry("model", parent=MMSEG_MODELS, scope=SCOPE, locations=["depthkit.models"])
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
OPTIM_WRAPPER_CONSTRUCTORS = Registry(
    "optimizer wrapper constructor",
    parent=MMSEG_OPTIM_WRAPPER_CONSTRUCTORS,
    scope=SCOPE,
    locations=["depthkit.engine"],
)
