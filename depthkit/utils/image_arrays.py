"""Arrays and tensors as images: which values and which axes are meant, by rules and never by guessing."""

import numpy as np
import torch

from depthkit.errors import InputError
from depthkit.utils.input_files import check_pixels
from depthkit.utils.png_file import row_blocks

_CHANNELS = (1, 3, 4)  # grey, RGB, RGBA
_UINT16_TO_UINT8 = np.float32(257)  # 65535 / 255


def array_to_rgb(array: np.ndarray, name: str) -> np.ndarray:
    """Return an array as uint8 RGB (H, W, 3); one that is so already is not copied.

    Args:
        array: grey (H, W) or (H, W, 1), RGB (H, W, 3) or RGBA (H, W, 4), which is white where it is transparent.
            uint8 from 0 to 255, uint16 from 0 to 65535, or float from 0 to 1.
        name: of the image, for messages.

    Raises:
        InputError: it has another shape, type or range, no pixel, or more than `MAX_PIXELS`.
    """
    if isinstance(array, np.ma.MaskedArray):
        raise InputError(f"{name}: is a masked array; fill what is masked: array.filled(0)")
    if not array.dtype.isnative:  # of FITS or TIFF
        array = array.astype(array.dtype.newbyteorder("="))
    shape = array.shape
    if array.ndim not in (2, 3) or (array.ndim == 3 and shape[2] not in _CHANNELS):
        raise InputError(
            f"{name}: has shape {shape}; expected (H, W), (H, W, 1), (H, W, 3) or (H, W, 4){_advice(shape)}"
        )
    if not array.size:
        raise InputError(f"{name}: has shape {shape}; expected one pixel at least")
    check_pixels(shape[:2], 1, name)
    if array.dtype == np.uint8 and shape[2:] == (3,):
        return np.ascontiguousarray(array)
    is_float = array.dtype.kind == "f"
    if not is_float and array.dtype not in (np.uint8, np.uint16):
        raise InputError(
            f"{name}: is of type {array.dtype}; expected uint8 (0 to 255), uint16 (0 to 65535) or float (0 to 1)"
        )
    if is_float:
        low, high = array.min(), array.max()  # NaN is handed on
        if np.isnan(low):
            raise InputError(f"{name}: has NaN among its values; expected 0 to 1")
        if low < 0 or high > 1:
            raise InputError(
                f"{name}: its float values go from {low:.4g} to {high:.4g}; expected 0 to 1, so divide by the value of "
                "white, undo a normalisation, or give uint8 or uint16"
            )
    rgb = np.empty((*shape[:2], 3), np.uint8)
    for rows in row_blocks(shape):
        rgb[rows] = _without_alpha(_to_bytes(array[rows].reshape(-1, shape[1], *(shape[2:] or (1,)))))
    return rgb


def tensor_to_rgb(tensor: torch.Tensor, name: str) -> np.ndarray:
    """Return a tensor as uint8 RGB (H, W, 3).

    Args:
        tensor: on any device; the types of `array_to_rgb`, and bfloat16. Channels come first, (C, H, W) as in
            torchvision, if the first side is 1, 3 or 4; else last, (H, W, C); (H, W) is grey.
        name: of the image, for messages.

    Raises:
        InputError: see `array_to_rgb`.
    """
    if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
        raise InputError(
            f"{name}: is a sparse, quantised or meta tensor; expected one with its values, tensor.to_dense()"
        )
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    if tensor.ndim == 3 and tensor.shape[0] in _CHANNELS:
        tensor = tensor.permute(1, 2, 0)
    return array_to_rgb(tensor.resolve_conj().resolve_neg().numpy(), name)


def _advice(shape: tuple[int, ...]) -> str:
    if len(shape) == 4:
        return ", or a list of such images: list(batch)"
    return "; transpose(1, 2, 0) puts the channels last" if len(shape) == 3 and shape[0] in _CHANNELS else ""


def _to_bytes(values: np.ndarray) -> np.ndarray:
    """Return values of one of the types as uint8."""
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.uint16:
        return np.rint(values / _UINT16_TO_UINT8).astype(np.uint8)
    return np.rint(values.astype(np.float32) * 255).astype(np.uint8)


def _without_alpha(pixels: np.ndarray) -> np.ndarray:
    """Return pixels (h, W, 1), (h, W, 3) or (h, W, 4) on white, to be assigned to (h, W, 3)."""
    if pixels.shape[2] != 4:
        return pixels
    alpha = pixels[..., 3:].astype(np.float32) / 255
    return np.rint(pixels[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
