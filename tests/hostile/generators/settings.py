"""Settings of configs that mean nothing: of another type, out of range, of another length."""

from ..case import ACCEPTED, EITHER, Attempt, case

COUNT = ["0", "-1", "1.5", "float('nan')", "float('inf')", "'foo'", "None", "[]", "{}", "(1, 2)", "10 ** 30"]
INDEX = [value for value in COUNT if value != "0"]
FRACTION = ["-0.1", "1.1", "2", "float('nan')", "float('inf')", "'foo'", "[]", "{}", "(0.5,)", "-1", "1e400"]
POSITIVE = ["0", "-1", "float('nan')", "float('inf')", "'foo'", "[]", "{}", "(1, 2)"]
NOT_NEGATIVE = [value for value in POSITIVE if value != "0"]
CHOICE = ["'foo'", "''", "3", "[]", "{}", "1.5"]
FLAG = ["'foo'", "2", "[]", "{}", "1.5", "-1", "float('nan')"]
DICT = ["5", "'foo'", "[1]", "1.5", "True"]
STEPS = ["[]", "5", "'foo'", "[5]", "[{}]", "[None]", "[dict(type='nothing')]", "[dict(type=5)]", "[[]]", "True"]
SIZE = [
    "0",
    "(0, 64)",
    "(64,)",
    "(64, 64, 64)",
    "()",
    "'foo'",
    "(-1, 64)",
    "(1.5, 64)",
    "(float('nan'), 1)",
    "{}",
    "None",
]
LAYERS = ["()", "(0, 0)", "(1, 0)", "(-1, 0)", "(0, 99)", "'foo'", "(0.5,)", "{}", "(True, 'a')", "(float('nan'),)"]
RATES = ["0", "-1", "1.5", "float('nan')", "float('inf')", "'foo'", "()", "(0.5,) * 99", "(0.5, 0)", "{}", "(0.5, 'a')"]
PAIR = ["(1,)", "()", "(1, 2, 3)", "(2, 1)", "(float('nan'), 1)", "'foo'", "5", "(0, float('inf'))", "{}", "(-2, -1)"]
TYPE = ["'foo'", "''", "5", "None", "[]", "{}", "'Adam'", "'DepthEstimator.x'"]

# By place in the config of the assets: values that mean nothing there.
SETTINGS = {
    "batch_size": COUNT,
    "max_epochs": COUNT,
    "size": SIZE,
    "pipeline": STEPS,
    "test_pipeline": [],
    "schedule": CHOICE,
    "ema": ["2", "-1", "float('nan')", "'foo'", "1.0", "[1]", "dict(a=1)"],
    "train_cfg.max_epochs": COUNT,
    "train_cfg.max_iters": [v for v in COUNT if v != "None"],
    "train_cfg.type": TYPE,
    "train_cfg.val_interval": COUNT,
    "train_cfg.val_begin": INDEX,
    "train_dataloader.batch_size": COUNT,
    "train_dataloader.num_workers": INDEX,
    "train_dataloader.drop_last": FLAG,
    "train_dataloader.persistent_workers": FLAG,
    "train_dataloader.dataset": [*DICT, "{}"],
    "train_dataloader.sampler": DICT,
    "train_dataloader.prefetch_factor": ["0", "-1", "'foo'", "1.5"],
    "train_dataloader.pin_memory": FLAG,
    "train_dataloader.timeout": ["-1", "'foo'", "float('nan')", "[]"],
    "train_dataloader.sampler.type": TYPE,
    "train_dataloader.sampler.shuffle": FLAG,
    "train_dataloader.sampler.seed": ["-1", "1.5", "'foo'"],
    "train_dataloader.dataset.type": TYPE,
    "train_dataloader.dataset.length": COUNT,
    "train_dataloader.dataset.size": SIZE,
    "train_dataloader.dataset.seed": INDEX[:-1],
    "train_dataloader.dataset.variety": CHOICE,
    "train_dataloader.dataset.pipeline": STEPS,
    "train_dataloader.dataset.textures": ["5", "'foo'", "['nothing/*.jpg']", "[5]", "{}"],
    "train_dataloader.dataset.cache": ["5", "[]", "1.5"],
    "val_dataloader.batch_size": COUNT,
    "val_dataloader.dataset.pipeline": STEPS,
    "val_evaluator.protocol": CHOICE,
    "val_evaluator.type": TYPE,
    "val_evaluator.boundary": FLAG,
    "val_evaluator.save_dir": ["5", "[]", "1.5"],
    "val_evaluator": ["5", "'foo'", "[]", "[5]", "{}"],
    "model.type": TYPE,
    "model.backbone": [*DICT, "None", "{}"],
    "model.decode_head": [*DICT, "None", "{}"],
    "model.neck": [*DICT[:4], "dict(type=5)"],
    "model.size_divisor": COUNT,
    "model.canonical_focal": POSITIVE,
    "model.output": CHOICE,
    "model.test_cfg": ["5", "'foo'", "[1]"],
    "model.test_cfg.mode": CHOICE,
    "model.test_cfg.flip": FLAG,
    "model.init_cfg": ["5", "'foo'", "[5]", "dict(type='foo')"],
    "model.data_preprocessor": DICT,
    "model.data_preprocessor.mean": [
        "5",
        "'foo'",
        "[1]",
        "[1, 2]",
        "[1, 2, 3, 4]",
        "['a', 'b', 'c']",
        "[float('nan')] * 3",
        "[]",
    ],
    "model.data_preprocessor.std": [
        "5",
        "'foo'",
        "[1]",
        "[1, 2]",
        "[1, 2, 3, 4]",
        "[0, 1, 1]",
        "[-1, 1, 1]",
        "[float('nan')] * 3",
        "[]",
    ],
    "model.data_preprocessor.size_divisor": ["0", "-1", "'foo'", "1.5", "[]"],
    "model.data_preprocessor.type": TYPE,
    "model.data_preprocessor.bgr_to_rgb": FLAG,
    "model.data_preprocessor.pad_val": ["'foo'", "[]", "float('nan')"],
    "model.backbone.type": TYPE,
    "model.backbone.keep_rate": RATES,
    "model.backbone.selection": CHOICE,
    "model.backbone.score_rows": CHOICE,
    "model.backbone.score_stride": COUNT,
    "model.backbone.cls_token_weight": FRACTION,
    "model.backbone.selector_layers": ["3", "-1", "'foo'", "1.5", "None"],
    "model.backbone.importance": CHOICE,
    "model.backbone.keys": CHOICE,
    "model.backbone.coverage": FLAG,
    "model.backbone.selective_layers": [*LAYERS, "(0,)", "(1, 2)"],
    "model.backbone.out_indices": [*LAYERS, "None", "5"],
    "model.backbone.img_size": SIZE,
    "model.backbone.patch_size": COUNT,
    "model.backbone.embed_dim": COUNT + ["50"],
    "model.backbone.depth": COUNT,
    "model.backbone.num_heads": COUNT + ["5"],
    "model.backbone.num_classes": INDEX,
    "model.backbone.mlp_ratio": POSITIVE,
    "model.backbone.drop_path_rate": [*FRACTION, "1.0"],
    "model.backbone.pretrained": ["5", "'nothing.pth'", "[]", "'.'", "''", "1.5"],
    "model.backbone.position_resampling": CHOICE,
    "model.backbone.norm_maps": FLAG,
    "model.backbone.norm_eps": POSITIVE,
    "model.backbone.distilled": FLAG,
    "model.backbone.qkv_bias": FLAG,
    "model.backbone.init_values": ["'foo'", "float('nan')", "[]", "{}"],
    "model.backbone.drop_rate": FRACTION,
    "model.backbone.attn_drop_rate": FRACTION,
    "model.backbone.pos_drop_rate": FRACTION,
    "model.backbone.reg_tokens": INDEX,
    "model.backbone.class_token": FLAG,
    "model.backbone.global_pool": CHOICE,
    "model.backbone.block_fn": ["5", "'foo'", "None"],
    "model.decode_head.type": TYPE,
    "model.decode_head.in_channels": [
        "()",
        "(48,)",
        "(48,) * 5",
        "(0,) * 4",
        "'foo'",
        "48",
        "(48.5,) * 4",
        "(49,) * 4",
    ],
    "model.decode_head.channels": COUNT,
    "model.decode_head.readout": CHOICE,
    "model.decode_head.min_depth": ["-1", "float('nan')", "'foo'", "11", "10", "[]"],
    "model.decode_head.max_depth": POSITIVE,
    "model.decode_head.losses": [
        "5",
        "'foo'",
        "[5]",
        "[{}]",
        "[dict(type='foo')]",
        "dict(type='ScaleInvariantLogLoss')",
    ],
    "optim_wrapper.type": TYPE,
    "optim_wrapper.optimizer": DICT,
    "optim_wrapper.optimizer.type": TYPE,
    "optim_wrapper.optimizer.lr": POSITIVE,
    "optim_wrapper.optimizer.weight_decay": NOT_NEGATIVE,
    "optim_wrapper.optimizer.betas": ["(1, 2)", "(0.9,)", "()", "'foo'", "0.9", "(-1, 0.9)", "(0.9, float('nan'))"],
    "optim_wrapper.optimizer.eps": ["-1", "float('nan')", "'foo'"],
    "optim_wrapper.optimizer.amsgrad": FLAG,
    "optim_wrapper.constructor": ["'foo'", "5", "[]"],
    "optim_wrapper.paramwise_cfg.backbone_mult": POSITIVE,
    "optim_wrapper.paramwise_cfg.layer_decay": [*POSITIVE, "1.5"],
    "optim_wrapper.clip_grad": ["5", "'foo'", "[1]", "{'foo': 1}"],
    "optim_wrapper.clip_grad.max_norm": POSITIVE,
    "optim_wrapper.clip_grad.norm_type": ["'foo'", "0", "-1", "float('nan')", "[]"],
    "optim_wrapper.accumulative_counts": COUNT,
    "param_scheduler.type": TYPE,
    "param_scheduler.pct_start": [*FRACTION, "0"],
    "param_scheduler.div_factor": POSITIVE,
    "param_scheduler.final_div_factor": POSITIVE,
    "param_scheduler.anneal_strategy": CHOICE,
    "param_scheduler.three_phase": FLAG,
    "default_hooks.checkpoint.interval": ["'foo'", "1.5", "[]", "0", "-2"],
    "default_hooks.checkpoint.max_keep_ckpts": ["0", "-2", "'foo'", "1.5"],
    "default_hooks.checkpoint.save_best": ["'nope'", "5", "['nope']", "''", "{}", "1.5"],
    "default_hooks.checkpoint.rule": ["'foo'", "5", "{}", "''"],
    "default_hooks.checkpoint.by_epoch": FLAG,
    "default_hooks.checkpoint.save_begin": INDEX,
    "default_hooks.checkpoint.type": TYPE,
    "default_hooks.checkpoint": DICT,
    "default_hooks.logger.interval": COUNT,
    "default_hooks.logger.ignore_last": FLAG,
    "default_hooks.nothing": ["dict(type='foo')", "5"],
    "randomness.seed": ["-1", "1.5", "'foo'", "2 ** 32", "[]", "float('nan')"],
    "randomness.deterministic": FLAG,
    "randomness.diff_rank_seed": FLAG,
    "env_cfg.mp_cfg.mp_start_method": CHOICE,
    "env_cfg.mp_cfg.opencv_num_threads": INDEX,
    "env_cfg.cudnn_benchmark": FLAG,
    "log_level": ["'FOO'", "''", "5", "'info'", "[]", "None"],
    "log_processor": ["5", "'foo'", "[1]"],
    "log_processor.window_size": ["0", "-1", "'foo'", "1.5"],
    "log_processor.by_epoch": FLAG,
    "load_from": [
        "'http://'",
        "'nothing.pth'",
        "5",
        "'.'",
        "''",
        "'s3://a/b'",
        "'http://127.0.0.1:1/a.pth'",
        "'modelzoo://x'",
        "[]",
        "'/dev/null'",
    ],
    "resume": FLAG,
    "compile": ["'foo'", "5", "[1]"],
    "sync_bn": CHOICE,
    "activation_checkpointing": ["'foo'", "5", "['backbone.foo']", "{}", "['']"],
    "find_unused_parameters": FLAG,
    "auto_scale_lr": [
        "5",
        "'foo'",
        "{}",
        "dict(base_batch_size=0, enable=True)",
        "dict(base_batch_size='a')",
        "dict(enable=True)",
    ],
    "visualizer": ["5", "dict(type='foo')", "'foo'", "[1]"],
    "model_wrapper_cfg": ["5", "'foo'"],
    "train_dataloader": [*DICT, "{}"],
    "model": [*DICT, "{}"],
}
SETTINGS.pop("test_pipeline")
# Of these the base has a dict.
DICTS = [
    "model",
    "model.backbone",
    "model.decode_head",
    "train_dataloader",
    "train_dataloader.dataset",
    "val_evaluator",
    "auto_scale_lr",
]
MERGES = ACCEPTED + "a dict is merged into that of the base, which has what is missing"
MEAN_SOMETHING = {(place, "{}"): MERGES for place in DICTS} | {
    ("auto_scale_lr", "dict(enable=True)"): MERGES,
    ("optim_wrapper.optimizer.type", "'Adam'"): ACCEPTED + "it is an optimizer of torch",
    ("model.backbone.global_pool", "''"): ACCEPTED + "it is timm's name for no pooling",
}
SOME_MEAN_SOMETHING = EITHER + "the value is a default, or one of those that the type of the setting includes"


def _nested(place, value):
    """Return `a = dict(b=dict(c=VALUE))` for the place "a.b.c"."""
    first, *rest = place.split(".")
    for name in reversed(rest):
        value = f"dict({name}={value})"
    return f"{first} = {value}\n"


def _train(place):
    """Return a training that is long enough for its schedule, so that it ends well if the setting is accepted."""
    epochs = [] if "max_epochs" in place else ["--cfg-options", "max_epochs=3"]
    return ["train", "c.py", "--out", "work", "--device", "cpu", *epochs]


@case("settings")
def one_that_means_nothing(folder, rng, assets):
    place = rng.choice(list(SETTINGS))
    value = rng.choice(SETTINGS[place])
    (folder / "c.py").write_text(f"_base_ = {str(assets.config)!r}\n{_nested(place, value)}")
    return Attempt(_train(place), MEAN_SOMETHING.get((place, value)))


DATA_SETS = {
    "RGBDFolder": (
        "type='RGBDFolder', data_root={root}, depth_scale={scale}, split='test'",
        {
            "depth_scale": [*POSITIVE, "(1000, 1000)", "None"],
            "split": [*CHOICE, "'train '"],
            "test_every": ["0", "1", "-1", "1.5", "'foo'"],
            "intrinsics": [
                "(float('nan'), 1, 1, 1)",
                "(1, 2, 3)",
                "()",
                "5",
                "'foo'",
                "(0, 1, 1, 1)",
                "(-1, 1, 1, 1)",
                "(1, 1, 1, float('inf'))",
                "('a', 1, 1, 1)",
            ],
            "indices": ["[5]", "-1", "0", "[-1]", "[0.5]", "'foo'", "[]", "{}", "1.5", "[[0]]"],
            "rgb_dir": ["5", "[]"],
            "depth_dir": ["5", "[]"],
            "split_file": ["5", "'nothing.txt'", "'.'", "[]"],
            "data_root": ["5", "'nothing'", "''", "[]", "None", "'/dev/null'"],
            "pipeline": STEPS,
            "nothing": ["1"],
        },
    ),
    "ImageFolder": (
        "type='ImageFolder', data_root={root}",
        {
            "split": CHOICE,
            "hold_out_every": ["0", "1", "-1", "'foo'", "1.5"],
            "indices": ["[99]", "-1", "'foo'"],
            "data_root": ["5", "'nothing'", "[]"],
        },
    ),
}


@case("settings")
def of_a_data_set(folder, rng, assets):
    kind = rng.choice(["RGBDFolder"] * 4 + ["ImageFolder"])
    given, known = DATA_SETS[kind]
    name = rng.choice(list(known))
    value = rng.choice(known[name])
    text = given.format(root=repr(str(assets.path("rgbd"))), scale=1000)
    items = ", ".join([item for item in text.split(", ") if not item.startswith(f"{name}=")])
    loader = f"dict(batch_size=1, num_workers=0, dataset=dict({items}, {name}={value}"
    end = ")" if name == "pipeline" else ", pipeline=[dict(type='PackDepthInputs')])"
    loader += f"{end}, sampler=dict(type='DefaultSampler', shuffle=False), _delete_=True)"
    (folder / "c.py").write_text(f"_base_ = {str(assets.config)!r}\ntest_dataloader = {loader}\n")
    return ["test", str(assets.weights), "--config", "c.py", "--device", "cpu"]


STEP_SETTINGS = {
    "ResizeRGBD": {"size": SIZE, "mode": CHOICE, "resize_depth": FLAG},
    "RandomCropRGBD": {"size": [*SIZE, "(99999, 99999)"]},
    "RandomFlipRGBD": {"prob": FRACTION},
    "RandomZoom": {"scale": [*PAIR, "(0.5, 1)"], "prob": FRACTION},
    "ColorJitter": {
        "brightness": FRACTION,
        "contrast": FRACTION,
        "saturation": FRACTION,
        "hue": [*FRACTION, "0.6"],
        "prob": FRACTION,
    },
    "RandomTilt": {
        "roll": ["-1", "float('nan')", "'foo'", "[]", "1e9"],
        "tilt": ["-1", "float('inf')", "'foo'"],
        "prob": FRACTION,
    },
    "CameraDefects": {"prob": FRACTION, "grey": FRACTION},
    "ResizeToMultiple": {"size": COUNT, "multiple": COUNT, "rule": CHOICE, "resampling": CHOICE},
    "PackDepthInputs": {"nothing": ["1"]},
    "CenterCrop": {"crop_size": ["0", "(0, 0)", "(-1, 5)", "'foo'", "()", "(5,)", "(5, 5, 5)", "1.5"]},
    "TimmTransform": {
        "img_size": COUNT,
        "is_training": FLAG,
        "interpolation": CHOICE,
        "auto_augment": ["'foo'", "5", "[]"],
        "nothing": ["1"],
    },
}
REQUIRED = {
    "ResizeRGBD": {"size": "(64, 64)"},
    "RandomCropRGBD": {"size": "(32, 32)"},
    "ResizeToMultiple": {"size": "64", "multiple": "16"},
}
REQUIRED |= {"CenterCrop": {"crop_size": "(64, 64)"}, "TimmTransform": {"is_training": "True"}}


@case("settings")
def of_a_transform(folder, rng, assets):
    kind = rng.choice(list(STEP_SETTINGS))
    name = rng.choice(list(STEP_SETTINGS[kind]))
    arguments = REQUIRED.get(kind, {}) | {name: rng.choice(STEP_SETTINGS[kind][name])}
    step = f"dict(type='{kind}', {', '.join(f'{key}={value}' for key, value in arguments.items())})"
    steps = f"[{step}, dict(type='PackDepthInputs')]" if kind != "PackDepthInputs" else f"[{step}]"
    (folder / "c.py").write_text(
        f"_base_ = {str(assets.config)!r}\n{_nested('train_dataloader.dataset.pipeline', steps)}"
    )
    return _train("train_dataloader")


PARTS = {
    "custom_hooks": {
        "EMAHook": {"momentum": [*POSITIVE, "1", "2"], "begin_iter": INDEX, "update_buffers": FLAG},
        "KeepRateHook": {"start": [*POSITIVE, "2"], "duration": FRACTION, "warmup": [*FRACTION, "0.9"]},
        "DepthVisualizationHook": {"num_images": INDEX, "depth_range": PAIR},
        "CheckInvalidLossHook": {"interval": COUNT},
        "ProgressHook": {"nothing": ["1"]},
        "nothing": {"a": ["1"]},
        "EarlyStoppingHook": {"monitor": ["'nope'", "5"], "patience": ["-1", "'foo'"]},
    },
    "model.decode_head.losses": {
        "ScaleInvariantLogLoss": {"variance_focus": FRACTION, "loss_weight": NOT_NEGATIVE},
        "GradientLoss": {"loss_weight": NOT_NEGATIVE, "scales": COUNT},
        "nothing": {"a": ["1"]},
    },
    "param_scheduler": {
        "LinearLR": {
            "start_factor": ["0", "-1", "2", "'foo'", "float('nan')"],
            "end": ["-1", "'foo'", "0"],
            "by_epoch": FLAG,
        },
        "CosineAnnealingLR": {
            "eta_min_ratio": ["'foo'", "float('nan')", "[]"],
            "T_max": ["0", "'foo'", "-1"],
            "begin": ["-1", "'foo'"],
        },
        "MultiStepLR": {"milestones": ["5", "'foo'", "['a']"], "gamma": ["'foo'", "float('nan')", "-1"]},
        "OneCycleLR": {"pct_start": FRACTION, "eta_max": ["-1", "'foo'"], "total_steps": ["0", "-1", "'foo'"]},
    },
}


@case("settings", SOME_MEAN_SOMETHING)
def of_a_part_in_a_list(folder, rng, assets):
    place = rng.choice(list(PARTS))
    kind = rng.choice(list(PARTS[place]))
    name = rng.choice(list(PARTS[place][kind]))
    part = f"[dict(type='{kind}', {name}={rng.choice(PARTS[place][kind][name])})]"
    (folder / "c.py").write_text(f"_base_ = {str(assets.config)!r}\n{_nested(place, part)}")
    return _train(place)


OF_TIMM = {"reg_tokens": INDEX, "class_token": FLAG, "drop_rate": FRACTION, "norm_layer": ["'foo'", "3", "[]", "1.5"]}
MODELS = {
    "DeiT": {"num_classes": INDEX, "distilled": FLAG, "out_indices": LAYERS, **OF_TIMM},
    "EViT": {"keep_rate": RATES, "fuse_token": FLAG, **OF_TIMM},
    "DINOv2": {"init_values": POSITIVE, **OF_TIMM},
    "ToSA": {"selective_layers": LAYERS, **OF_TIMM},
    "ToMe": {"keep_rate": RATES, "proportional": FLAG, **OF_TIMM},
}


@case("settings")
def of_a_backbone(folder, rng, assets):
    kind = rng.choice(list(MODELS))
    name = rng.choice(list(MODELS[kind]))
    given = {"img_size": "64", "embed_dim": "48", "depth": "4", "num_heads": "3", "out_indices": "(0, 1, 2, 3)"}
    given[name] = rng.choice(MODELS[kind][name])
    backbone = f"dict(_delete_=True, type='{kind}', {', '.join(f'{key}={value}' for key, value in given.items())})"
    (folder / "c.py").write_text(f"_base_ = {str(assets.config)!r}\n{_nested('model.backbone', backbone)}")
    return _train("model")
