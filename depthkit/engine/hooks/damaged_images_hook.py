"""Report the images that could not be read, and in whose place others were taken."""

from pathlib import Path

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner

from depthkit.registry import HOOKS

_SHOWN = 10  # names in the warning; the log file has all


@HOOKS.register_module()
class DamagedImagesHook(Hook):
    """After each epoch of training, count and name the damaged images of data sets with `skip_damaged`.

    Each is named once.
    """

    priority = "BELOW_NORMAL"

    def __init__(self) -> None:
        self._known: set[str] = set()

    def after_train_epoch(self, runner: Runner) -> None:
        """Report those of the training's images."""
        self._report(runner, runner.train_dataloader.dataset)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Report those of the validation's images."""
        self._report(runner, runner.val_dataloader.dataset)

    def _report(self, runner: Runner, dataset: object) -> None:
        places = dataset.damaged.nonzero().flatten().tolist() if hasattr(dataset, "damaged") else []
        own = [dataset.get_data_info(place)["img_path"] for place in places]
        every = sorted({path for paths in all_gather_object(own) for path in paths})
        new = [path for path in every if path not in self._known]
        if not new:
            return
        self._known.update(new)
        shown = ", ".join(new[:_SHOWN]) + (f" and {len(new) - _SHOWN} more" if len(new) > _SHOWN else "")
        runner.logger.warning(
            f"{len(every)} of {len(dataset)} images cannot be read, and others were taken in their place: {shown}"
        )
        if len(new) > _SHOWN:
            names = Path(runner.work_dir) / "damaged_images.txt"
            names.write_text("\n".join(sorted(self._known)) + "\n", encoding="utf-8")
            runner.logger.warning(f"all their names: {names}")
