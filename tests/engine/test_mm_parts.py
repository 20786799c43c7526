"""Arguments of classes of mmengine and torch: what their annotations say is what a config must give."""

import pytest

from depthkit.engine.mm_arguments import check_settings
from depthkit.errors import InputError
from depthkit.utils.config import load_config

CYCLE, COSINE = dict(type="OneCycleLR"), dict(type="CosineAnnealingLR", by_epoch=False)
EMA = dict(type="EMAHook", momentum=0.1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"param_scheduler": dict(CYCLE, three_phase=-1)}, "three_phase=-1: expected True or False"),
        ({"param_scheduler": [dict(COSINE, T_max="foo")]}, "T_max='foo': expected a whole number"),
        ({"param_scheduler": (dict(COSINE), dict(COSINE, T_max=0))}, "T_max=0: expected a number of 1 or more"),
        ({"default_hooks.logger.interval": 10**5000}, "logger.interval: expected a finite number below 2..63"),
        ({"param_scheduler": [dict(COSINE, T_max="5")]}, "T_max='5': expected a whole number"),
        ({"param_scheduler": [dict(COSINE, eta_min_ratio=True)]}, "eta_min_ratio=True: expected a number"),
        ({"optim_wrapper.optimizer.amsgrad": []}, "optim_wrapper.optimizer: AdamW: amsgrad=.*: expected True or False"),
        ({"optim_wrapper.clip_grad.foo": 1}, "optim_wrapper.clip_grad: foo: there is no such setting"),
        ({"optim_wrapper.clip_grad.norm_type": 0}, "norm_type=0: expected a number above 0"),
        ({"custom_hooks": [dict(EMA, update_buffers=2)]}, "update_buffers=2: expected True or False"),
        ({"custom_hooks": [dict(EMA, begin_iter=1.0)]}, "begin_iter=1.0: expected a whole number"),
        ({"default_hooks.logger.ignore_last": 2}, "default_hooks.logger: LoggerHook: ignore_last=2: expected True"),
        ({"default_hooks.logger.interval": 10**30}, "logger.interval: expected a finite number below"),
        ({"param_scheduler": [dict(type="LinearLR", start_factor=0)]}, "start_factor=0: expected a number above 0"),
        ({"param_scheduler": [dict(type="LinearLR", begin=-1)]}, "LinearLR: begin=-1: expected a number of 0 or more"),
        ({"param_scheduler": dict(CYCLE, eta_max=[0.1, -1])}, "eta_max: 1=-1: expected a number above 0"),
        ({"log_processor.by_epoch": -1}, "log_processor: by_epoch=-1: expected True or False"),
        (
            {"train_dataloader.dataset.anything": [0.0, float("nan")]},
            "dataset.anything.1: expected a finite number",
        ),
    ],
)
def test_what_mmengine_would_use_unseen_is_refused(settings, message):
    config = load_config("demo_rooms")
    check_settings(config)
    config.merge_from_dict(settings)
    with pytest.raises(InputError, match=message):
        check_settings(config)
