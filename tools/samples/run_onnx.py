"""Run a depth model that `depthkit export` wrote as ONNX, without depthkit.

    python run_onnx.py depth.onnx photo.jpg --focal 3000 --out depth.npy

It needs numpy, opencv-python, pillow and onnxruntime alone, and is meant to be copied.
"""

import argparse
import sys

import cv2
import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def check_images(images: np.ndarray) -> None:
    """Refuse what the graph would silently turn into wrong depth.

    Args:
        images: for the graph.

    Raises:
        ValueError: they are not float32 RGB (B, 3, H, W) from 0 to 255.
    """
    if images.ndim != 4 or images.shape[1] != 3 or images.dtype != np.float32:
        raise ValueError(f"images: are {images.dtype} {images.shape}; expected float32 (B, 3, H, W), RGB")
    if 0 < images.max() <= 1 or images.min() < -64 or images.max() > 320:
        raise ValueError(
            f"images: are from {images.min():g} to {images.max():g}; expected 0 to 255, as the graph itself subtracts "
            "the mean and divides by the std; multiply images from 0 to 1 by 255"
        )


def input_size(metadata: dict[str, str], width: int, height: int) -> tuple[int, int]:
    """Return the size (width, height) [px] for the graph of an image of another size.

    That is the size for which the graph was made, or else one of the image's shape with about as many pixels as the
    model was trained for: at other sizes a model in metres drifts.

    Args:
        metadata: of the file.
        width: of the image [px].
        height: of the image [px].
    """
    if "size" in metadata:
        rows, columns = map(int, metadata["size"].split("x"))
        return columns, rows
    rows, columns = map(int, metadata["recommended_size"].split("x"))
    divisor, least = int(metadata["size_divisor"]), int(metadata["smallest_side"])
    zoom = (rows * columns / (width * height)) ** 0.5
    columns, rows = (max(least, round(side * zoom / divisor) * divisor) for side in (width, height))
    return columns, rows


def resize(pixels: np.ndarray, size: tuple[int, int], rule: str) -> np.ndarray:
    """Resize an image as the model's training did; other rules change the depth by some percent.

    Args:
        pixels: uint8 (H, W, 3).
        size: width and height [px].
        rule: of the metadata: for sides that shrink, and for sides that grow.

    Returns:
        float32; `cubic` may go a little beyond 0 and 255.
    """
    shrinking, growing = rule.split(", ")
    if shrinking == "antialiased":
        return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC), np.float32)
    if shrinking == "cubic":
        return cv2.resize(pixels.astype(np.float64), size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    height, width = pixels.shape[:2]
    pixels = cv2.resize(pixels, (min(size[0], width), min(size[1], height)), interpolation=cv2.INTER_AREA)
    growth = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}[growing]
    return cv2.resize(pixels, size, interpolation=growth).astype(np.float32)


def predict(session: onnxruntime.InferenceSession, image: Image.Image, focal: float | None) -> tuple[np.ndarray, str]:
    """Predict the depth of an image.

    Args:
        session: of the file.
        image: of any size.
        focal: focal length [px] at the image's own size; None: the metres are those of the training's camera.

    Returns:
        (height, width) of the image, and its unit.
    """
    metadata = session.get_modelmeta().custom_metadata_map
    if metadata.get("input_range") != "0..255" or metadata.get("mean_std") != "inside":
        raise ValueError("this file does not say that it takes images from 0 to 255; export it again")
    if metadata["output"] == "classes":
        raise ValueError("this file is a classifier; give one that predicts depth")
    if image.mode.startswith(("I", "F")):
        raise ValueError(f"the image has the mode {image.mode}, more than 8 bits; convert it to 8 bits first")
    size = input_size(metadata, image.width, image.height)
    pixels = resize(np.asarray(image.convert("RGB")), size, metadata.get("resampling", "area, linear"))
    images = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
    check_images(images)
    values = session.run(["depth"], {"images": images})[0][0, 0]
    if focal is not None and "canonical_focal" in metadata:
        values = values * (focal * size[0] / image.width / float(metadata["canonical_focal"]))
    return cv2.resize(values, image.size), metadata["unit"]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a file of depthkit export")
    parser.add_argument("image")
    parser.add_argument("--focal", type=float, help="focal length [px] at the image's own size")
    parser.add_argument("--out", help="a .npy file for the depth")
    given = parser.parse_args()
    try:
        session = onnxruntime.InferenceSession(given.model, providers=onnxruntime.get_available_providers())
        with Image.open(given.image) as image:
            values, unit = predict(session, ImageOps.exif_transpose(image), given.focal)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    print(f"{values.shape[0]} x {values.shape[1]}, {values.min():.3f} to {values.max():.3f} [{unit}]")
    if given.out:
        np.save(given.out, values)


if __name__ == "__main__":
    main()
