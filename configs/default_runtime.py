# What all configs share: depthkit's Runner and registries, the seed, how processes start and what the log counts.
runner_type = "DepthRunner"
default_scope = "depthkit"
randomness = dict(seed=0)
env_cfg = dict(cudnn_benchmark=False, mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0))
log_processor = dict(by_epoch=True)
find_unused_parameters = True  # of layers after the decoder's last one, and of ToSA's selectors where keep_rate is 1
