"""Pretrained weights: torchvision's files in our networks, and ours in torchvision's form.

Address and SHA-256 of a file come from torchvision's own enums. It is downloaded once, into the folder
`weights` of `data.cache_folder()`, verified before every use, and read by `torch.load(weights_only=True)`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

import torch
from torch import Tensor, nn

from inception_lessons._check import instance, one_of, positive
from inception_lessons._download import DownloadError, cache_folder, check_timeout, fetch, writing_to_cache
from inception_lessons._torchvision import import_torchvision

AUXILIARY_LAYERS = ("aux1.", "aux2.", "AuxLogits.")
"""How the names of torchvision's auxiliary heads begin: a network without such heads leaves them out.

GoogLeNet's file has both heads, but they were never trained, of which torchvision warns; Inception v3's was.
"""

_WITH_HEADS = ("googlenet", "inception_v3")
_CALLED_5X5 = re.compile(r"inception\d\w\.branch3\.1\.conv\.weight")  # 3×3 in torchvision's GoogLeNet


Net = TypeVar("Net", bound=nn.Module)


class WeightsError(OSError):
    """A file of weights could not be had or read; the message says which file, why, and what to do."""


def load(net: Net, weights: str | Enum | None, *, progress: bool = True, timeout: float = 30.0) -> Net:
    """Put torchvision's pretrained weights into `net`, which `preprocessing` then suits; return `net`.

    If the network has an option `transform_input`, it is switched on, as torchvision does for its own.

    Args:
        net: AlexNet, VGG, GoogLeNet in the variant "torchvision" or Inception v3, with 1,000 classes.
        weights: "DEFAULT", another name such as "IMAGENET1K_V1", or a member of torchvision's enum. None
            leaves `net` as it is.
        progress: show a bar while downloading.
        timeout: seconds of silence after which the server counts as dead.

    Raises:
        ValueError: the weights are unknown, another network's, or do not fit `net`, which stays as it was.
        WeightsError: the file could not be downloaded, stored or read.
    """
    check_timeout(timeout)
    if weights is None:
        return net
    member = find(net, weights)
    categories = member.meta["categories"]
    if categories is None:
        raise ValueError(
            f"weights {member} have no last layers: they are for finding features, not for classifying; "
            f"take 'DEFAULT'"
        )
    _check_fit(net, _shapes_in_torchvision(net, len(categories), aux=True), f"the file of {member}")
    from_torchvision(net, _checkpoint(member, progress, timeout))
    if hasattr(net, "transform_input"):
        net.transform_input = True
    return net


def find(net: nn.Module, weights: str | Enum) -> Enum:
    """Return the member of torchvision's enum that `weights` means for `net`.

    Raises:
        ValueError: the weights are unknown or another network's, or torchvision does not have the network.
        TypeError: `weights` is neither a string nor a member of an enum.
    """
    known = import_torchvision().models.get_model_weights(_name_in_torchvision(net))
    if isinstance(weights, known):
        return weights
    if isinstance(weights, Enum):
        raise ValueError(
            f"weights {weights} belong to another network; for this {type(net).__name__} there are "
            f"{', '.join(f'{known.__name__}.{name}' for name in known.__members__)}"
        )
    if not isinstance(weights, str):
        raise TypeError(f"weights must be 'DEFAULT' or another name of {known.__name__}, got {weights!r}")
    return known[one_of("weights", weights.removeprefix(f"{known.__name__}."), known.__members__)]


def preprocessing(net: nn.Module, weights: str | Enum = "DEFAULT") -> Callable[..., Tensor]:
    """Return torchvision's own preprocessing for the weights: an image, or N×3×H×W in uint8, to network
    input.

    Raises:
        ValueError, TypeError: as `find`.
    """
    return find(net, weights).transforms()


# Between torchvision's names and ours


def from_torchvision(net: Net, state_dict: Mapping[str, Tensor]) -> Net:
    """Copy `state_dict`, in torchvision's names and shapes, into `net`; return `net`.

    Auxiliary heads that `net` does not have are left out (`AUXILIARY_LAYERS`). A 3×3 of torchvision's
    GoogLeNet comes into the middle of a true 5×5 with a rim of zeros: the outputs are the same.

    Raises:
        ValueError: a layer is missing, unknown or of another shape; `net` stays as it was.
        TypeError: `state_dict` is none.
    """
    if not _is_state_dict(state_dict):
        raise TypeError(f"state_dict must be a dict of names and tensors, got {type(state_dict).__name__}")
    _check_fit(net, {key: tuple(value.shape) for key, value in state_dict.items()}, "state_dict")
    state, keys = net.state_dict(), _keys(net)
    for theirs in keys.keys() & state_dict.keys():
        ours, value = keys[theirs], state_dict[theirs]
        state[ours] = zero_rim(value, state[ours].shape[-1]) if _CALLED_5X5.match(theirs) else value
    net.load_state_dict(state)
    return net


def to_torchvision(net: nn.Module) -> dict[str, Tensor]:
    """Return copies of `net`'s weights on the CPU, in torchvision's names and shapes.

    `torch.save` makes a file of them that torchvision's network loads, if it is built with the same
    `num_classes`, auxiliary heads and `transform_input`.

    Raises:
        ValueError: torchvision's network has other shapes; or a 5×5 of GoogLeNet, a 3×3 in torchvision's, has
            a rim that is not 0.
    """
    keys, state = _keys(net), net.state_dict()
    aux = any(key.startswith(AUXILIARY_LAYERS) for key in keys)
    shapes = _shapes_in_torchvision(net, _last_layer(net).layer.out_features, aux)
    _check_fit(net, shapes, f"torchvision's {_name_in_torchvision(net)}")
    state_dict = {}
    for theirs, shape in shapes.items():
        value = state[keys[theirs]].detach().cpu()
        if value.shape != shape:
            value = _without_rim(keys[theirs], value)
        state_dict[theirs] = value.clone()
    return state_dict


def _is_state_dict(content: object) -> bool:
    return isinstance(content, Mapping) and all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()
    )


def zero_rim(weight: Tensor, kernel_size: int) -> Tensor:
    """Return convolution weights with a rim of zeros, out×in×k×k → out×in×kernel_size×kernel_size.

    With half its kernel as padding, a convolution with either computes the same.

    Raises:
        ValueError: the kernel cannot be the middle of one of `kernel_size`, or `weight` has another shape.
        TypeError: `weight` is no tensor, or `kernel_size` no integer.
    """
    if instance("weight", weight, Tensor).ndim != 4:
        raise ValueError(f"weight must have the shape out×in×k×k, got {tuple(weight.shape)}")
    positive("kernel_size", kernel_size)
    rim, rest = divmod(kernel_size - weight.shape[-1], 2)
    if rim < 0 or rest:
        raise ValueError(
            f"kernel_size must be {weight.shape[-1]} or larger by an even number, got {kernel_size}"
        )
    return nn.functional.pad(weight, [rim] * 4)


def _without_rim(name: str, value: Tensor) -> Tensor:
    middle = value[..., 1:-1, 1:-1]
    if middle.count_nonzero() != value.count_nonzero():
        raise ValueError(
            f"the rim of {name} must be 0, because torchvision has a 3×3 there and not a 5×5; build with "
            f"kernel5=3 to train what torchvision can load"
        )
    return middle


def _keys(net: nn.Module) -> dict[str, str]:
    """Return, for each key of torchvision's state dict, the key of ours, in our order."""
    names, keys = _layers(net), {}
    for key in net.state_dict():
        layer, _, name = key.rpartition(".")
        if layer not in names:
            raise ValueError(
                f"torchvision's {_name_in_torchvision(net)} has no place for {key}; a layer may be replaced "
                f"by one of its kind, not by several"
            )
        keys[f"{names[layer]}.{name}"] = key
    return keys


def _layers(net: nn.Module) -> dict[str, str]:
    """Return torchvision's path of each layer of `net`, by ours."""
    if not hasattr(net, "torchvision_names"):
        raise TypeError(f"net must be a network from inception_lessons.models, got {type(net).__name__}")
    return net.torchvision_names()


def _name_in_torchvision(net: nn.Module) -> str:
    _layers(net)  # says what is wrong, if torchvision has no such network
    if net.torchvision_model not in import_torchvision().models.list_models():
        raise ValueError(f"torchvision has no {net.torchvision_model}, as this {type(net).__name__} would be")
    return net.torchvision_model


def _shapes_in_torchvision(net: nn.Module, num_classes: int, aux: bool) -> dict[str, tuple[int, ...]]:
    """Return the state dict of torchvision's network, with shapes in place of tensors."""
    name = _name_in_torchvision(net)
    options = {"aux_logits": aux, "init_weights": False} if name in _WITH_HEADS else {}
    with torch.device("meta"):
        other = import_torchvision().models.get_model(name, weights=None, num_classes=num_classes, **options)
    return {key: tuple(value.shape) for key, value in other.state_dict().items()}


def _check_fit(net: nn.Module, given: Mapping[str, tuple[int, ...]], words: str) -> None:
    """Refuse `given` shapes, by torchvision's keys, that are not those of `net`; `words` say whose they are.

    Counters of batches may be missing, as in files from before torch 0.4.1.
    """
    state = net.state_dict()
    wanted = {theirs: tuple(state[ours].shape) for theirs, ours in _keys(net).items()}
    _check_ends(net, wanted, given, words)
    heads = tuple(head for head in AUXILIARY_LAYERS if not any(key.startswith(head) for key in wanted))
    missing = [key for key in wanted if key not in given and not key.endswith(".num_batches_tracked")]
    extra = [key for key in given if key not in wanted and not key.startswith(heads)]
    misshaped = [key for key in wanted if key in given and not _takes(key, wanted[key], given[key])]
    if missing or extra or misshaped:
        both = [f"{key} {given[key]} for {wanted[key]}" for key in misshaped]
        found = {"missing": missing, "unknown": extra, "of another shape": both}
        lists = "; ".join(f"{what}: {_first(names)}" for what, names in found.items() if names)
        remedy = "; build it with torchvision's numbers (width=1)" if misshaped else ""
        if missing and all(key.startswith(AUXILIARY_LAYERS) for key in missing):
            remedy = "; build it with aux=False"
        raise ValueError(f"{words} does not fit this {type(net).__name__}; {lists}{remedy}")


def _check_ends(
    net: nn.Module, wanted: Mapping[str, tuple[int, ...]], given: Mapping[str, tuple[int, ...]], words: str
) -> None:
    """Refuse another number of channels or classes, with the remedy that each has."""
    first, last = next(iter(wanted)), _last_layer(net)
    channels, classes = (given.get(key, wanted[key]) for key in (first, f"{last.theirs}.bias"))
    if len(channels) == 4 and channels[1] != wanted[first][1]:
        grey = "; grey images get three equal channels by x.expand(-1, 3, -1, -1)" if channels[1] == 3 else ""
        raise ValueError(
            f"{words} takes {channels[1]} channels, this network {wanted[first][1]}: build it with "
            f"in_channels={channels[1]}{grey}"
        )
    if len(classes) == 1 and classes != (last.layer.out_features,):
        raise ValueError(
            f"{words} has {classes[0]} classes, this network {last.layer.out_features}: build it with "
            f"num_classes={classes[0]}, and afterwards replace the last layer, net{_as_code(last.ours)} = "
            f"torch.nn.Linear({last.layer.in_features}, {last.layer.out_features})"
        )


def _takes(key: str, wanted: tuple[int, ...], given: tuple[int, ...]) -> bool:
    """Whether a tensor of the shape `given` can become one of the shape `wanted`."""
    if _CALLED_5X5.match(key) and wanted[2:] == (5, 5):
        return given == (*wanted[:2], 3, 3)
    return given == wanted


class _LastLayer(NamedTuple):
    """The dense layer that gives the logits."""

    ours: str
    theirs: str
    layer: nn.Linear


def _last_layer(net: nn.Module) -> _LastLayer:
    dense = [
        _LastLayer(ours, theirs, net.get_submodule(ours))
        for ours, theirs in _layers(net).items()
        if isinstance(net.get_submodule(ours), nn.Linear) and not theirs.startswith(AUXILIARY_LAYERS)
    ]
    return dense[-1]


def _as_code(path: str) -> str:
    """Return the module path `head.6` as Python has it after a variable: `.head[6]`."""
    return "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in path.split("."))


def _first(names: Sequence[str], count: int = 3) -> str:
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more


# The file


def _checkpoint(member: Enum, progress: bool, timeout: float) -> dict[str, Tensor]:
    """Return the state dict in the file of `member`, downloaded unless it is in the cache."""
    name = PurePosixPath(urlsplit(member.url).path).name
    path = cache_folder() / "weights" / name
    by_hand = f"put the file from {member.url} into {path.parent} yourself"
    sha256 = re.search(r"-([0-9a-f]{8,})\.\w+$", name)
    if sha256 is None:
        raise WeightsError(f"{member.url} has no SHA-256 in its name: install torchvision 0.19 or later")
    with writing_to_cache(WeightsError, "pass weights=None"):
        try:
            fetch(member.url, path, sha256[1], timeout=timeout, progress=progress)
        except DownloadError as reason:
            raise WeightsError(
                f"{name} could not be downloaded from {member.url}: {reason}. Try again, or {by_hand}"
            ) from None
        try:
            return _read(path)
        except WeightsError:
            path.unlink()
            raise


def _read(path: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # a pickle can raise anything
        first_line = str(error).strip().partition("\n")[0] or type(error).__name__
        raise WeightsError(f"{path.name} is no file of weights ({first_line}): it is removed") from None
    if not _is_state_dict(content):
        kind = type(content).__name__
        raise WeightsError(
            f"{path.name} is no file of weights (a {kind} that is no state dict): it is removed"
        )
    return content
