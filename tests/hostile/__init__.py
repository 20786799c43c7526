"""Hostile inputs, made from a seed and given to the real commands: `python -m tests.hostile --help`.

A case is a function in a module of `generators/` (one module for each kind) that writes the files of one input into an
empty folder and returns the command:

    @case("lists", EITHER + "the bytes are text")       # or REFUSED (the default), or ACCEPTED + "a reason"
    def bytes_in_a_list(folder, rng, assets):
        assets.copy("rgbd", folder)                     # valid data, to be damaged
        (folder / "rgbd" / "test.txt").write_bytes(rng.randbytes(50))
        return assets.test_on(folder, "type='RGBDFolder', data_root='rgbd', depth_scale=1000, split='test'")

All chance comes from `rng`, so that the seed makes the input again. Commands run in `folder`; file names are relative
to it. Where an input needs more than a command (a signal, a disk that is full, a reader that goes away, a variable of
the environment, an expectation of its own) the function returns an `Attempt`.
"""
