# RGB-D pairs of your own: images in rgb/, depth maps of the same names in depth/. The measure is protocol `full`.
_base_ = "nyu.py"
data_root = "data/rgbd"
canonical_focal = None  # where the focal lengths are known: that of the training crops [px], as in nyu.py
depth_scale = 1000  # file units per metre: 1000 for millimetres, 5000 for TUM RGB-D, 1 for metres in .npy
test_every = 10  # every tenth pair is for testing; None when train.txt and test.txt lie in data_root

pairs = dict(type="RGBDFolder", data_root=data_root, depth_scale=depth_scale, test_every=test_every)
train_dataloader = dict(dataset=dict(_delete_=True, **pairs, split="train", pipeline=_base_.train_pipeline))
test_dataloader = dict(dataset=dict(_delete_=True, **pairs, split="test", pipeline=_base_.test_pipeline))
test_evaluator = dict(protocol="full")
val_dataloader = test_dataloader
val_evaluator = test_evaluator
