"""Settings of data sets, transforms, hooks, losses and backbones that mean nothing."""

from ..case import EITHER, case
from ..meaningless import (
    CHOICE,
    COUNT,
    FLAG,
    FRACTION,
    INDEX,
    LAYERS,
    NOT_NEGATIVE,
    PAIR,
    POSITIVE,
    RATES,
    SIZE,
    STEPS,
    nested,
    train_of,
)

SOME_MEAN_SOMETHING = EITHER + "the value is a default, or one of those that the type of the setting includes"
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
        f"_base_ = {str(assets.config)!r}\n{nested('train_dataloader.dataset.pipeline', steps)}"
    )
    return train_of("train_dataloader")


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
    (folder / "c.py").write_text(f"_base_ = {str(assets.config)!r}\n{nested(place, part)}")
    return train_of(place)


OF_TIMM = {"reg_tokens": INDEX, "class_token": FLAG, "drop_rate": FRACTION, "norm_layer": ["'foo'", "3", "[]", "1.5"]}
MODELS = {
    "DeiT": {"num_classes": INDEX, "distilled": FLAG, "out_indices": LAYERS, **OF_TIMM},
    "EViT": {"keep_rate": RATES, "fuse_token": FLAG, **OF_TIMM},
    "DINOv2": {"init_values": POSITIVE, **OF_TIMM},
    "ToSA": {
        "selective_layers": LAYERS,
        "skipped": [*CHOICE, "'similar'"],  # of heads that choose for themselves
        "importance": [*CHOICE, "'even'"],
        "coverage": FLAG,
        **OF_TIMM,
    },
    "ToMe": {"keep_rate": RATES, "proportional": FLAG, **OF_TIMM},
}


@case("settings")
def of_a_backbone(folder, rng, assets):
    kind = rng.choice(list(MODELS))
    name = rng.choice(list(MODELS[kind]))
    given = {"img_size": "64", "embed_dim": "48", "depth": "4", "num_heads": "3", "out_indices": "(0, 1, 2, 3)"}
    given[name] = rng.choice(MODELS[kind][name])
    backbone = f"dict(_delete_=True, type='{kind}', {', '.join(f'{key}={value}' for key, value in given.items())})"
    (folder / "c.py").write_text(f"_base_ = {str(assets.config)!r}\n{nested('model.backbone', backbone)}")
    return train_of("model")
