# Rooms generated from random numbers, with nothing to download. The measure is protocol `full`.
_base_ = "nyu.py"
img_size = (96, 128)  # height and width [px]
canonical_focal = None  # every room is seen by the same camera

train_pipeline = [dict(type="RandomFlipRGBD", prob=0.5), dict(type="PackDepthInputs")]
test_pipeline = [dict(type="ResizeRGBD", size=img_size, mode="fit", resize_depth=False), dict(type="PackDepthInputs")]
train_dataloader = dict(
    dataset=dict(_delete_=True, type="Rooms", length=640, size=img_size, seed=0, pipeline=train_pipeline)
)
test_dataloader = dict(
    dataset=dict(_delete_=True, type="Rooms", length=32, size=img_size, seed=1, pipeline=test_pipeline)
)
test_evaluator = dict(protocol="full")
val_dataloader = test_dataloader
val_evaluator = test_evaluator
