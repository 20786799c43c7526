"""How many of the same tokens ToSA picks when it scores them from fewer query rows, by layer, on pictures."""

import argparse
from pathlib import Path

from depthkit.utils.console import run_tool

SCORES = [("grid", 2), ("grid", 4), ("pooled", 2), ("pooled", 4)]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="compare_score_rows.py", description=__doc__)
    parser.add_argument("pictures", type=Path, help="folder, searched with its subfolders")
    parser.add_argument("--weights", required=True, help="DeiT weights, a .pth or .safetensors file")
    parser.add_argument("--size", choices=["tiny", "small", "base"], default="tiny")
    parser.add_argument("--count", type=int, default=50, help="number of pictures, evenly spaced (50)")
    parser.add_argument("--keep-rate", type=float, default=0.5)
    arguments = parser.parse_args(argv)

    import torch
    from torchvision.transforms import v2

    from depthkit.analysis.selection_overlap import selection_overlap
    from depthkit.errors import InputError
    from depthkit.models import ToSA
    from depthkit.models.backbones.deit import SIZES
    from depthkit.models.layers.keep_rates import check_keep_rates
    from depthkit.utils.image_files import list_images
    from depthkit.utils.imagenet_stats import IMAGENET_MEAN, IMAGENET_STD
    from depthkit.utils.io import read_rgb

    files = list_images(arguments.pictures, recursive=True) if arguments.pictures.is_dir() else []
    if not files:
        raise InputError(f"{arguments.pictures}: contains no image; give another folder")
    check_keep_rates(arguments.keep_rate, 1)
    if arguments.count < 1:
        raise InputError(f"--count {arguments.count}: expected 1 or more")
    files = files[:: max(1, len(files) // arguments.count)][: arguments.count]
    model = ToSA(**SIZES[arguments.size], keep_rate=1, pretrained=arguments.weights).eval()
    prepare = v2.Compose(
        [
            v2.Resize(256, interpolation=v2.InterpolationMode.BICUBIC),
            v2.CenterCrop(224),
            v2.ToDtype(torch.float32),
            v2.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
    images = torch.stack([prepare(torch.from_numpy(read_rgb(f)).permute(2, 0, 1)) for f in files])
    found = selection_overlap(model, images, arguments.keep_rate, SCORES)

    print(f"{len(files)} pictures, keep_rate {arguments.keep_rate}; chance is {arguments.keep_rate:.2f}")
    print("rows           " + "".join(f"layer {layer:<4d}" for layer in range(1, 12, 2)) + "mean")
    for (rows, stride), overlaps in found.items():
        cells = "".join(f"{value:<10.2f}" for value in overlaps)
        print(f"{rows + ' 1/' + str(stride**2):<15}{cells}{sum(overlaps) / len(overlaps):.2f}")
    return 0


if __name__ == "__main__":
    run_tool(main)
