"""Training and evaluation: a Runner, loop and hooks for mmengine that do not lose work or hide mistakes.

Importing this registers them, and makes mmengine's own checkpoint loader strict.
"""

from depthkit.utils.environment import check_environment

check_environment()  # before the first import of an mm package

from depthkit.engine.checkpoints import use_strict_loading  # noqa: E402
from depthkit.engine.hooks.check_invalid_loss_hook import CheckInvalidLossHook  # noqa: E402
from depthkit.engine.hooks.checkpoint_hook import AtomicCheckpointHook  # noqa: E402
from depthkit.engine.hooks.keep_rate_hook import KeepRateHook  # noqa: E402
from depthkit.engine.hooks.progress_hook import ProgressHook  # noqa: E402
from depthkit.engine.hooks.visualization_hook import DepthVisualizationHook  # noqa: E402
from depthkit.engine.layer_decay import LayerDecayOptimWrapperConstructor  # noqa: E402
from depthkit.engine.runner import DepthRunner  # noqa: E402
from depthkit.engine.train_loop import TrainLoop  # noqa: E402

use_strict_loading()

__all__ = [
    "AtomicCheckpointHook",
    "DepthRunner",
    "DepthVisualizationHook",
    "KeepRateHook",
    "LayerDecayOptimWrapperConstructor",
    "CheckInvalidLossHook",
    "ProgressHook",
    "TrainLoop",
]
