"""Report the images that could not be read, and in whose place others were taken."""

from collections.abc import Collection
from pathlib import Path

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner

from depthkit.registry import HOOKS

_SHOWN = 10  # names in a warning


@HOOKS.register_module()
class DamagedImagesHook(Hook):
    """After each epoch, count and name the damaged images of data sets with `skip_damaged`.

    In an epoch the new ones are named, after the last one all of them.
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

    def after_train(self, runner: Runner) -> None:
        """Count and name all of them."""
        if self._known:
            runner.logger.warning(
                f"{len(self._known)} images of this training could not be read: {self._name(runner, self._known)}"
            )

    def _report(self, runner: Runner, dataset: object) -> None:
        places = dataset.damaged.nonzero().flatten().tolist() if hasattr(dataset, "damaged") else []
        own = [dataset.get_data_info(place)["img_path"] for place in places]
        every = sorted({path for paths in all_gather_object(own) for path in paths})
        new = [path for path in every if path not in self._known]
        if not new:
            return
        self._known.update(new)
        runner.logger.warning(
            f"{len(every)} of {len(dataset)} images cannot be read, and others were taken in their place: "
            f"{self._name(runner, new)}"
        )

    def _name(self, runner: Runner, paths: Collection[str]) -> str:
        """Return the first of their names; of more, all that are known are written to a file."""
        shown = ", ".join(sorted(paths)[:_SHOWN])
        if len(paths) <= _SHOWN:
            return shown
        names = Path(runner.work_dir) / "damaged_images.txt"
        names.write_text("\n".join(sorted(self._known)) + "\n", encoding="utf-8")
        return f"{shown} and {len(paths) - _SHOWN} more, see {names}"
