"""Training and evaluation: a Runner, loop and hooks for mmengine that keep work and report mistakes.

Importing this registers them.
"""

# ruff: noqa: E402  (the check comes before the first import of an mm package)
from depthkit.utils.environment import check_environment

check_environment()

from depthkit.engine.bfloat16 import BFloat16OptimWrapper
from depthkit.engine.hooks.check_invalid_loss_hook import CheckInvalidLossHook
from depthkit.engine.hooks.checkpoint_hook import AtomicCheckpointHook
from depthkit.engine.hooks.damaged_images_hook import DamagedImagesHook
from depthkit.engine.hooks.keep_rate_hook import KeepRateHook
from depthkit.engine.hooks.progress_hook import ProgressHook
from depthkit.engine.hooks.tensorboard_hook import TensorBoardHook
from depthkit.engine.hooks.visualization_hook import DepthVisualizationHook
from depthkit.engine.layer_decay import LayerDecayOptimWrapperConstructor
from depthkit.engine.runner import DepthRunner
from depthkit.engine.train_loop import TrainLoop

__all__ = [
    "AtomicCheckpointHook",
    "BFloat16OptimWrapper",
    "CheckInvalidLossHook",
    "DamagedImagesHook",
    "DepthRunner",
    "DepthVisualizationHook",
    "KeepRateHook",
    "LayerDecayOptimWrapperConstructor",
    "ProgressHook",
    "TensorBoardHook",
    "TrainLoop",
]
