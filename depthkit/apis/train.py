"""Train a model by a config."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process

from depthkit.engine.mm_arguments import check_settings
from depthkit.engine.runner import DepthRunner
from depthkit.engine.session import engine_session
from depthkit.engine.work_folder import check_new, clean_work_folder, find_periodic, remove_checkpoints
from depthkit.errors import InputError
from depthkit.utils.device import process_group, select_device, wrapper_config
from depthkit.utils.output_folder import make_output_folder


def train(
    config: Config,
    work_dir: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    amp: bool = False,
    seed: int | None = None,
    launcher: str = "none",
    device: str | None = "auto",
) -> DepthRunner:
    """Train the model of `config` and return the Runner, with the trained model in ``.model``.

    The checkpoints carry their config, so they stand alone.

    Args:
        config: from `depthkit.utils.config.load_config`; it is changed to what is run.
        work_dir: folder for checkpoints and logs; None for the config's, or ``work_dirs/<name of the config>``.
        resume: continue from the newest valid checkpoint in `work_dir`, or start anew where there is none (from the
            config's `load_from`, if any). A process that torchrun restarts (``--max-restarts``) does this in any case.
        overwrite: remove the checkpoints that an earlier training left in `work_dir`, once this one can start.
        amp: mixed precision; needs a GPU.
        seed: of weights, order and augmentation; None for the config's.
        launcher: ``pytorch`` under torchrun, else ``none``.
        device: see `select_device`.

    Raises:
        InputError: something in the config, the data, the files or the machine cannot be used; there are checkpoints
            in `work_dir`, and neither `resume` nor `overwrite` is given.
    """
    check_settings(config)
    if resume and overwrite:
        raise InputError("--resume and --overwrite: one keeps the checkpoints, the other removes them; give one")
    if config.get("train_cfg") is None:
        raise InputError(f"{config.filename}: has no train_dataloader, train_cfg and optim_wrapper; nothing is trained")
    chosen = select_device(device)
    if amp:
        if chosen.type != "cuda":
            raise InputError(f"--amp: mixed precision needs a GPU, the device is '{chosen}'; train without --amp")
        config.optim_wrapper.type = "AmpOptimWrapper"
    if seed is not None:
        config.setdefault("randomness", {})["seed"] = seed
    config.work_dir = str(work_dir or config.get("work_dir") or Path("work_dirs") / Path(config.filename).stem)
    if int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")):
        resume, overwrite = True, False
    make_output_folder(config.work_dir)
    if not resume and not overwrite:
        check_new(config.work_dir)
    if resume and config.get("load_from"):
        resume = bool(find_periodic(config.work_dir))
        config.load_from = None if resume else config.load_from  # mmengine would resume from that file
    config.resume = resume
    config.launcher = launcher
    # mmengine keeps loggers and visualizers by this name and the second: two trainings must not share them.
    config.setdefault("experiment_name", f"{Path(config.filename).stem}_{secrets.token_hex(3)}")
    with engine_session(chosen), process_group(launcher, chosen):
        config.model_wrapper_cfg = wrapper_config(launcher, chosen, config.get("find_unused_parameters", True))
        runner = DepthRunner.from_cfg(config)
        if is_main_process():
            clean_work_folder(config.work_dir)
            if overwrite:
                remove_checkpoints(config.work_dir)
            count = sum(p.numel() for p in runner.model.parameters() if p.requires_grad)
            runner.logger.info(
                f"training {config.filename} on {chosen}, {runner.world_size} process(es), "
                f"{count / 1e6:.2f} M parameters, log and checkpoints in {config.work_dir}"
            )
        with _word_at_interruption(runner):
            runner.train()
        runner.unwrap_model()
    return runner


@contextmanager
def _word_at_interruption(runner: DepthRunner) -> Iterator[None]:
    """Say how to continue when Ctrl-C or a signal ends the training."""
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception):
            runner.logger.warning(
                f"stopped at iteration {runner.iter} of {runner.max_iters}; to continue from the last checkpoint, give "
                "the same command with --resume"
            )
        raise
