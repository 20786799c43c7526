"""mmengine's CheckpointHook, made safe against being killed at any moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from depthkit.registry import HOOKS

_PLAIN = (bool, int, float, str, type(None))


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """Saves checkpoints as mmengine's does (same arguments), with two differences.

    An old checkpoint (beyond `max_keep_ckpts`, or the previous best one) is removed only when the new one is
    complete; mmengine removes it first. And what is saved is plain data, so that it can be read without
    executing code (the one-cycle scheduler keeps a function in its state).
    """

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        with self._removals_last():
            super()._save_checkpoint_with_step(runner, step, meta)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        with self._removals_last():
            super()._save_best_checkpoint(runner, metrics)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep of each scheduler's state what is plain data; the rest is made anew by its constructor."""
        states = checkpoint.get("param_schedulers", [])
        for state in states if isinstance(states, list) else [s for group in states.values() for s in group]:
            for key in [key for key, value in state.items() if not _is_plain(value)]:
                del state[key]

    @contextmanager
    def _removals_last(self) -> Iterator[None]:
        """Postpone the removals inside to its end; when saving fails, nothing is removed."""
        backend = self.file_backend
        postponed = _PostponedRemovals(backend)
        self.file_backend = postponed
        try:
            yield
        finally:
            self.file_backend = backend
        for path in postponed.paths:
            # After resuming, the new one may have the old one's name.
            if is_main_process() and path not in (self.last_ckpt, getattr(self, "best_ckpt_path", None)):
                Path(path).unlink(missing_ok=True)


class _PostponedRemovals:
    """mmengine's local file backend, of which `remove` only takes note."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.paths: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def remove(self, path: str) -> None:
        self.paths.append(path)


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return isinstance(value, _PLAIN)
