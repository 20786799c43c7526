"""Read files of weights without running code from them; find damage and odd tensors."""

import json
import os
import pickle
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import torch
from mmengine.runner.checkpoint import get_torch_safe_globals
from torch import Tensor

from depthkit.errors import InputError
from depthkit.utils.input_files import check_file

METADATA_KEY = "depthkit"  # of the block in a checkpoint, and of its JSON in the header of a .safetensors
CHECKSUM_KEY = "depthkit_crc32"  # of `checksum` in the header of a .safetensors
# Keys under which training codes put the state dict, in the order of preference: DeiT's and MAE's own files say
# "model", mmengine's and timm's training script "state_dict".
STATE_KEYS = ("state_dict", "model")
_CHUNK = 2**20  # [bytes]
_MAX_REPEATED = 2**24  # [bytes]: a few bytes of a file may stand for a tensor of this size
_MAX_HEADER = 2**26  # [bytes], of a .safetensors, and of the pickle in a .pth


def read_checkpoint(path: str | Path, metadata_only: bool = False) -> dict:
    """Read a ``.safetensors`` file, or one written by `torch.save` that holds tensors and plain data only.

    Unlike mmengine's loader this one never falls back to unpickling arbitrary objects. The checksums of torch's zip
    files are compared, and those of ``.safetensors`` that depthkit wrote; other files have none.

    Args:
        path: the file; ``~`` is the home folder.
        metadata_only: leave the tensors in the file until they are used, where its format allows that; they are not
            checked then.

    Returns:
        The dictionary in the file: a state dict, or one with ``state_dict``, ``optimizer``, ... beside it. A
        ``.safetensors`` of `export_weights` has the layout of the file it was made from.

    Raises:
        InputError: the file is missing, truncated, damaged, not a checkpoint, or holds objects that would execute code,
            or weights that are not plain, finite numbers.
    """
    path = Path(path).expanduser()
    if not os.path.lexists(path):
        raise InputError(f"{path}: no such checkpoint file; give the path of a .pth or .safetensors file")
    check_file(path, "a .pth or .safetensors file")
    try:
        if path.suffix == ".safetensors":
            content = _read_safetensors(path, metadata_only)
        else:
            zipped = zipfile.is_zipfile(path)
            if zipped:
                _check_zip(path, metadata_only)
            with torch.serialization.safe_globals(get_torch_safe_globals()):
                content = torch.load(path, map_location="cpu", weights_only=True, mmap=metadata_only and zipped)
    except InputError:
        raise
    except pickle.UnpicklingError as error:
        if zipfile.is_zipfile(path):
            raise InputError(
                f"{path}: refused, because it holds Python objects that could execute code; save the state dict "
                "alone (tensors and plain numbers, strings, lists, dicts), or as .safetensors"
            ) from error
        raise InputError(f"{path}: not a checkpoint, or one that is damaged; get the file again") from error
    except PermissionError as error:
        raise InputError(f"{path}: cannot be read; change its permissions") from error
    except Exception as error:  # torch and safetensors raise a dozen types for files that are cut or foreign
        raise InputError(f"{path}: not a checkpoint, or one that is damaged; get the file again") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a {type(content).__name__}; expected a dictionary of weights")
    if not metadata_only:
        for state in (content, *(content.get(key) for key in (*STATE_KEYS, "ema_state_dict"))):
            for name, value in state.items() if isinstance(state, Mapping) else ():
                if isinstance(value, Tensor):
                    check_tensor(str(name)[:200], value, path)
    return content


def check_tensor(name: str, value: Tensor, source: str | Path) -> None:
    """Check that a tensor is stored as plain real numbers that are finite.

    Args:
        name: of the tensor, for the message.
        value: of any shape and type.
        source: where it comes from, for the message.

    Raises:
        InputError: it is sparse, quantized, complex, without values, or holds NaN or infinity, or what is too large for
            float32.
    """
    strided = value.layout is torch.strided and not (value.is_meta or value.is_nested)
    kinds = {
        "no values": value.is_meta,
        "quantized values": value.is_quantized,
        "complex values": value.is_complex(),
        "sparse values": value.is_nested or value.layout is not torch.strided,
        "values that are repeated": strided and value.nbytes > max(value.untyped_storage().nbytes(), _MAX_REPEATED),
    }
    for kind, found in kinds.items():
        if found:
            raise InputError(f"{source}: {name} has {kind}; expected weights as plain tensors, so get another file")
    if value.is_floating_point() and value.numel() and not all(end.isfinite() for end in value.float().aminmax()):
        raise InputError(f"{source}: {name} holds values that are not finite; get the file again")


def checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """Return the CRC-32 of tensors and of the texts beside them, as 8 hexadecimal digits."""
    known = {key: text for key, text in metadata.items() if key != CHECKSUM_KEY}
    crc = zlib.crc32(json.dumps(known, sort_keys=True).encode())
    for name in sorted(tensors):
        value = tensors[name].detach().contiguous()
        crc = zlib.crc32(f"{name} {value.dtype} {tuple(value.shape)}".encode(errors="backslashreplace"), crc)
        if value.numel():
            crc = zlib.crc32(value.reshape(-1).view(torch.uint8).numpy(), crc)
    return f"{crc:08x}"


def _check_zip(path: Path, metadata_only: bool) -> None:
    """Compare the checksums in a file of `torch.save`, of its pickle alone if `metadata_only`."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise InputError(f"{path}: is a compressed zip file; expected what torch.save writes, as .pth")
        if not any(entry.CRC for entry in entries):
            return  # `torch.serialization.set_crc32_options(False)`
        for entry in entries:
            pickled = entry.filename.endswith(".pkl")
            if pickled and entry.file_size > _MAX_HEADER:
                raise InputError(f"{path}: its pickle has {entry.file_size} bytes; expected tensors beside it")
            if pickled or not metadata_only:
                with archive.open(entry) as content:  # raises at its end where the checksum is another
                    while content.read(_CHUNK):
                        pass


def _read_safetensors(path: Path, metadata_only: bool) -> dict:
    from safetensors import safe_open

    with path.open("rb") as file:
        if int.from_bytes(file.read(8), "little") > _MAX_HEADER:
            raise ValueError("a header of an impossible length")
    with safe_open(path, framework="pt") as file:
        header = file.metadata() or {}
        tensors = {} if metadata_only else {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    if not metadata_only and CHECKSUM_KEY in header and checksum(tensors, header) != header[CHECKSUM_KEY]:
        raise InputError(f"{path}: is damaged, its checksum is another; get the file again")
    if METADATA_KEY not in header:
        return tensors
    return {"state_dict": tensors, METADATA_KEY: json.loads(header[METADATA_KEY])}
