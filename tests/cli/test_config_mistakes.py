"""Mistakes in the settings of a config, through the real command: one sentence that names the file and the setting."""

import re

import pytest

TABLE = [
    ("model.backbone.in_channels=5", "model: ToSA: .*'in_channels'; did you mean in_chans"),
    ("model.backbone.in_chans=5", "model: backbone: in_chans=5: expected 3"),
    ("model.decode_head.losses=[]", r"model: DPTHead: losses=\[\]: expected 1 values"),
    ("model=None", "model=None: expected a dict"),
    ("model.data_preprocessor=None", "model: data_preprocessor=None: expected a dict"),
    ("param_scheduler=abc", "param_scheduler='abc': expected a list"),
    ("custom_hooks=abc", "custom_hooks='abc': expected a list"),
    ("visualizer=abc", "visualizer='abc': expected a dict"),
    ("default_hooks.checkpoint=abc", "default_hooks: checkpoint='abc': expected a dict"),
    ("val_evaluator=None", "val_evaluator is missing; give val_dataloader, val_cfg, val_evaluator, or none"),
    ("val_dataloader=None", "val_dataloader is missing"),
    ("val_cfg=None", "val_cfg is missing"),
    ("test_cfg=None", "test_cfg is missing"),
    ("train_dataloader=None", "train_dataloader is missing"),
    ("optim_wrapper=None", "optim_wrapper is missing"),
    ("optim_wrapper=3", "optim_wrapper=3: expected a dict"),
    ("optim_wrapper.optimizer=None", "optim_wrapper: optimizer=None: expected a dict"),
    ("optim_wrapper.clip_grad.max_norm=None", "optim_wrapper.clip_grad: max_norm=None: expected a number"),
    ("train_pipeline=None", "train_dataloader.dataset: pipeline=None: expected a list"),
    ("train_dataloader.sampler.shuffle=1.5", "train_dataloader.sampler: shuffle=1.5: expected True or False"),
    ("train_dataloader.num_workers=abc", "train_dataloader: num_workers='abc': expected a whole number"),
    ("randomness=None", "randomness=None: expected a dict"),
    ("env_cfg=None", "env_cfg=None: expected a dict"),
    ("env_cfg.mp_cfg=abc", "env_cfg: mp_cfg='abc': expected a dict"),
    ("log_level=FOO", "log_level='FOO': expected one of 'DEBUG', 'INFO'"),
    ("load_from=5", "load_from=5: expected text"),
    ("compile=abc", "compile='abc': expected a dict"),
    ("activation_checkpointing=['']", "activation_checkpointing: the model has no module ''"),
    ("activation_checkpointing=foo", "activation_checkpointing: the model has no module 'foo'"),
    ("find_unused_parameters=abc", "find_unused_parameters='abc': expected True or False"),
    ("sync_bn=foo", "sync_bn='foo': expected one of 'torch' or 'mmcv'"),
    ("auto_scale_lr.base_batch_size=abc", "auto_scale_lr: base_batch_size='abc': expected a whole number"),
    ("workers=abc", "workers='abc': cannot be used in nyu.py, line "),
]


@pytest.mark.parametrize(
    ("config", "option", "message"),
    [
        *(("nyu_tosa_tiny" if option == "workers=abc" else "demo_rooms", option, message) for option, message in TABLE),
        ("tosa_selector_tiny", "img_size=224", "img_size=224: cannot be used in unlabelled_images.py, line "),
        ("default_runtime", "resume=True", "model is missing"),
    ],
)
def test_it_is_one_sentence_and_status_2(cli, tmp_path, config, option, message) -> None:
    result = cli("train", config, "--out", tmp_path, "--device", "cpu", "--cfg-options", option)
    assert result.returncode == 2
    assert re.fullmatch(rf"error: \S+{config}\.py: (Runner: )?{message}.*\n", result.stderr), result.stderr
