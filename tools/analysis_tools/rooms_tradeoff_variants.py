"""Variants for depth_tradeoff.py where edges of depth are exact, on generated rooms.

Each starts from the packaged weights and sees the same 800 rooms and 75 pairs once, larger than the packaged model has
seen them: docs/results.md, "Where edges are exact". That page takes only the times from here; its models were trained
dense and given their other forms afterwards. --cfg-options data_root= is needed, to train load_from= too; cache= saves
time.
"""

backbone = "model.backbone"
training = {
    "render_size": (324, 432),
    "rooms": 800,
    "repeats": 1,
    "batch_size": 8,
    "max_epochs": 1,
    "ema": None,
    "optim_wrapper.type": "OptimWrapper",  # float32
    "optim_wrapper.optimizer.lr": 2e-3,
    "pretrained": None,
    f"{backbone}.img_size": (144, 192),  # of the packaged model's position embeddings
}
config = "rooms_deit_tiny"
dense = dict(config=config, curve="dense, smaller inputs")
even = {
    f"{backbone}.type": "ToSA",
    f"{backbone}.selection": "shared",
    f"{backbone}.importance": "even",
    f"{backbone}.skipped": "similar",
}


def at(height: int, width: int) -> dict:
    """Return the training at this size of the image [px]."""
    return {**training, "img_size": (height, width)}


def keeping(rate: float, first: int = 1) -> dict:
    """Return the training of an `even` form at 288x384 whose layers from `first` on keep this fraction."""
    layers = {f"{backbone}.selective_layers": tuple(range(first, 12))}
    return {**at(288, 384), **even, **layers, f"{backbone}.keep_rate": rate}


variants = [
    dict(name="dense", **dense, options=at(288, 384)),
    dict(name="dense_272x352", **dense, options=at(272, 352)),
    dict(name="dense_256x336", **dense, options=at(256, 336)),
    dict(name="dense_240x320", **dense, options=at(240, 320)),
    dict(name="dense_224x288", **dense, options=at(224, 288)),
    dict(name="even_0.7", curve="ToSA even", config=config, options=keeping(0.7)),
    dict(name="even_0.5", curve="ToSA even", config=config, options=keeping(0.5)),
    dict(name="even_0.35", curve="ToSA even", config=config, options=keeping(0.35)),
    dict(name="even_6_to_11", curve="ToSA even, layers 6 to 11", config=config, options=keeping(0.5, 6)),
]
