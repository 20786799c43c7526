"""What depth_tradeoff.py compares by default; the first is the baseline.

The size of the others is that of --cfg-options, 224x304 in the study. All variants are trained alike; the times that
are measured decide what is compared with what.
"""

dense = dict(config="nyu_deit_tiny", curve="dense, smaller inputs")
fewer = dict(config="nyu_deit_tiny", curve="dense, fewer layers")
shared = dict(config="nyu_tosa_tiny_shared")
per_head = dict(config="nyu_tosa_tiny")
backbone = "model.backbone"
by_place = {f"{backbone}.skipped": "neighbours"}

variants = [
    dict(name="dense", **dense),
    dict(name="dense_192x256", **dense, options=dict(img_size=(192, 256))),
    dict(name="dense_160x224", **dense, options=dict(img_size=(160, 224))),
    dict(name="dense_128x176", **dense, options=dict(img_size=(128, 176))),
    dict(name="dense_9_layers", **fewer, options={f"{backbone}.out_indices": (1, 3, 6, 8)}),
    dict(name="dense_7_layers", **fewer, options={f"{backbone}.out_indices": (1, 2, 4, 6)}),
    dict(name="shared", curve="ToSA shared", **shared),
    dict(name="shared_random", curve="ToSA shared, at random", **shared, options={f"{backbone}.importance": "random"}),
    dict(
        name="shared_update",
        curve="ToSA shared, by the last update",
        **shared,
        options={f"{backbone}.importance": "update"},
    ),
    dict(name="shared_all_keys", curve="ToSA shared, all keys", **shared, options={f"{backbone}.keys": "all"}),
    dict(
        name="shared_update_all_keys",
        curve="ToSA shared, by the last update, all keys",
        **shared,
        options={f"{backbone}.importance": "update", f"{backbone}.keys": "all"},
    ),
    dict(
        name="shared_random_all_keys",
        curve="ToSA shared, at random, all keys",
        **shared,
        options={f"{backbone}.importance": "random", f"{backbone}.keys": "all"},
    ),
    dict(
        name="shared_update_all_keys_coverage",
        curve="ToSA shared, by the last update, all keys, coverage",
        **shared,
        options={f"{backbone}.importance": "update", f"{backbone}.keys": "all", f"{backbone}.coverage": True},
    ),
    dict(
        name="shared_late",
        curve="ToSA shared, layers 9, 10 at 0.25",
        **shared,
        options={f"{backbone}.selective_layers": (9, 10), f"{backbone}.keep_rate": 0.25},
    ),
    dict(
        name="shared_5_9_10",
        curve="ToSA shared, layers 5, 9, 10 at 0.25",
        **shared,
        options={f"{backbone}.selective_layers": (5, 9, 10), f"{backbone}.keep_rate": 0.25},
    ),
    dict(name="even", curve="ToSA even, layers 1 to 10", config="nyu_tosa_tiny_even"),
    dict(
        name="even_5_to_10",
        curve="ToSA even, layers 5 to 10",
        config="nyu_tosa_tiny_even",
        options={f"{backbone}.selective_layers": (5, 6, 7, 8, 9, 10)},
    ),
    dict(name="even_by_place", curve="ToSA even by place", config="nyu_tosa_tiny_even", options=by_place),
    dict(
        name="even_every_second",
        curve="ToSA even, every second layer",
        config="nyu_tosa_tiny_even",
        options={f"{backbone}.selective_layers": None},
    ),
    dict(name="shared_neighbours", curve="ToSA shared, neighbours", **shared, options=by_place),
    dict(name="shared_even", curve="ToSA shared, evenly", **shared, options={f"{backbone}.importance": "even"}),
    dict(name="per_head", curve="ToSA per_head", **per_head),
    dict(
        name="per_head_random",
        curve="ToSA per_head, at random",
        **per_head,
        options={f"{backbone}.importance": "random"},
    ),
    dict(name="per_head_all_keys", curve="ToSA per_head, all keys", **per_head, options={f"{backbone}.keys": "all"}),
    dict(name="evit_0.8", config="nyu_evit_tiny", curve="EViT", options={f"{backbone}.keep_rate": 0.8}),
    dict(name="evit_0.7", config="nyu_evit_tiny", curve="EViT", options={f"{backbone}.keep_rate": 0.7}),
    dict(
        name="tome_0.6",
        config="nyu_deit_tiny",
        curve="ToMe",
        options={f"{backbone}.type": "ToMe", f"{backbone}.keep_rate": 0.6},
    ),
    dict(
        name="tome_0.4",
        config="nyu_deit_tiny",
        curve="ToMe",
        options={f"{backbone}.type": "ToMe", f"{backbone}.keep_rate": 0.4},
    ),
]
