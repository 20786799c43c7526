"""Show a training in TensorBoard: scalars and drawings of the whole training, also after a resume."""

from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from depthkit.engine.drawings import drawn_images, drawn_iterations
from depthkit.engine.log_backends import check_package
from depthkit.engine.scalar_log import ScalarLog
from depthkit.registry import HOOKS
from depthkit.utils.io import read_rgb
from depthkit.utils.output_folder import make_output_folder

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"
_EVENTS = "events.out.tfevents.*"


@HOOKS.register_module()
class TensorBoardHook(Hook):
    """Write ``work_dir/tensorboard``: the log against the iteration, and the drawings.

    mmengine's TensorboardVisBackend begins a new folder at each resume, in which the steps that the killed run logged
    after its checkpoint occur again, and counts validations in epochs but the rest in iterations. This hook follows
    the log (`ScalarLog`), which has each step once. At the start it writes all that the log and the drawings of the
    earlier runs have, so that a training may also be resumed with TensorBoard that began without.

    Raises:
        InputError: the package is not installed, or the folder cannot be written to.
    """

    priority = "LOWEST"  # after the log and the drawings

    def __init__(self) -> None:
        check_package("tensorboard", "TensorBoardHook")
        self._writer: SummaryWriter | None = None
        self._log: ScalarLog | None = None

    def before_train(self, runner: Runner) -> None:
        """Write what there is of the training until now, in place of the files of earlier runs."""
        if not is_main_process():
            return
        from torch.utils.tensorboard import SummaryWriter

        folder = make_output_folder(Path(runner.work_dir) / FOLDER)
        for path in folder.glob(_EVENTS):
            path.unlink()
        # With this a TensorBoard that is running forgets what it read from those files.
        self._writer = SummaryWriter(str(folder), purge_step=0)
        self._log = ScalarLog(runner)
        self._follow()
        for iteration in drawn_iterations(runner):
            self._add_drawings(runner, iteration)
        self._writer.flush()
        runner.logger.info(f"to watch the training: tensorboard --logdir {folder}")

    def after_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        """Add what was logged."""
        self._follow()

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Add the metrics and the drawings."""
        self._follow()
        if self._writer is not None:
            self._add_drawings(runner, runner.iter)
            self._writer.flush()

    def after_train(self, runner: Runner) -> None:
        """Close the file."""
        if self._writer is not None:
            self._follow()
            self._writer.close()
            self._writer = None

    def _follow(self) -> None:
        if self._writer is None:
            return
        added = False
        for split, iteration, values in self._log.read():
            for name, value in values.items():
                self._writer.add_scalar(f"{split}/{name}", value, iteration)
            added = True
        if added:
            self._writer.flush()  # a process that is killed leaves what it logged

    def _add_drawings(self, runner: Runner, iteration: int) -> None:
        for name, path in drawn_images(runner.work_dir, iteration).items():
            self._writer.add_image(name, read_rgb(path), iteration, dataformats="HWC")
