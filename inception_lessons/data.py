"""Images: Fashion-MNIST from the package, from a folder or by download, in one call and with the same shapes.

Every file is compared with a SHA-256 of its uncompressed content before it is used. Nothing is ever written
except a finished, verified download (see `fashion_mnist`) and the empty file by which downloads wait for one
another.
"""

import contextlib
import errno
import gzip
import hashlib
import lzma
import os
import shutil
import socket
import struct
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from inception_lessons._check import LARGEST, at_least, instance, integer, members, one_of, positive
from inception_lessons._download import alone_with, cache_folder, check_timeout, writing_to_cache

FASHION_MNIST_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
"""What the labels 0 to 9 mean (https://github.com/zalandoresearch/fashion-mnist)."""

FASHION_MNIST_MEAN, FASHION_MNIST_STD = 0.2860, 0.3530
"""Mean and standard deviation of all pixels of the 60,000 training images, on a scale from 0 (black) to 1."""

BUNDLED = Path(__file__).parent / "bundled"


class DataError(OSError):
    """The images could not be had; the message says which file, why, and what to do."""


class IdxFile(NamedTuple):
    """One file in the IDX format of MNIST: a header, then big-endian numbers, row by row."""

    name: str
    shape: tuple[int, ...]
    sha256: str
    """Of the whole uncompressed file."""
    bytes_each: int = 1

    @property
    def header_size(self) -> int:
        return 4 + 4 * len(self.shape)

    @property
    def size(self) -> int:
        size = self.bytes_each
        for length in self.shape:
            size *= length
        return self.header_size + size


class SplitFiles(NamedTuple):
    """The files of one split; `index` says where a subset's images stand in the original."""

    images: IdxFile
    labels: IdxFile
    index: IdxFile | None = None


ORIGINAL_FILES = {
    "train": SplitFiles(
        IdxFile(
            "train-images-idx3-ubyte",
            (60_000, 28, 28),
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        IdxFile(
            "train-labels-idx1-ubyte",
            (60_000,),
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
    ),
    "test": SplitFiles(
        IdxFile(
            "t10k-images-idx3-ubyte",
            (10_000, 28, 28),
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        IdxFile(
            "t10k-labels-idx1-ubyte",
            (10_000,),
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
}
"""Zalando's four files."""

BUNDLED_FILES = {
    "train": SplitFiles(
        IdxFile(
            "train-images-idx3-ubyte",
            (13_000, 28, 28),
            "74bd6f4a14b4772d3fca5e3ca4dcb6878b574b7c806a335824bc749f8bad0925",
        ),
        IdxFile(
            "train-labels-idx1-ubyte",
            (13_000,),
            "4fe2fe30cb0470021becf6bc0ff4e74e0c2dba048f08ad1e611163487d30efe7",
        ),
        IdxFile(
            "train-index-idx1-int",
            (13_000,),
            "10b7e57dad2f217cba0c10e3a5c9b18dda26ad657f3316a74ef26df25a4ab231",
            bytes_each=4,
        ),
    ),
    "test": SplitFiles(
        IdxFile(
            "t10k-images-idx3-ubyte",
            (2_000, 28, 28),
            "15a92dd1e9b16ea361928086e77df4dfa890c255c00b5a8c8162c1040ce8eef1",
        ),
        IdxFile(
            "t10k-labels-idx1-ubyte",
            (2_000,),
            "234596aeb6eb48133ec99a62541f90bc0728c9559a681f1e0638037462458f2c",
        ),
        IdxFile(
            "t10k-index-idx1-int",
            (2_000,),
            "b1d7b9e5334cac059f2eebadffcba2ee828066e4c34dcf019361feb4e1cbe9d7",
            bytes_each=4,
        ),
    ),
}
"""The subset in the package, made by `tools/make_bundled_data.py`."""


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet(torch.utils.data.Dataset):
    """Labelled images in memory, usable as a torch `Dataset`: item `i` is a normalised image and its label.

    Raises:
        TypeError: the images are not uint8, the labels not int64, or something is no tensor.
        ValueError: the shapes do not fit together, or a label has no class.
    """

    images: Tensor
    """uint8, N×C×H×W, 0 is black."""
    labels: Tensor
    """int64, N."""
    classes: tuple[str, ...]
    """The name of each label."""
    source: str
    """Where the images come from, for people."""
    index: Tensor
    """int64, N: the position of each image in the original files."""
    mean: float = FASHION_MNIST_MEAN
    std: float = FASHION_MNIST_STD

    def __post_init__(self) -> None:
        for name in ("images", "labels", "index"):
            instance(name, getattr(self, name), Tensor)
        members("classes", self.classes)
        if self.images.dtype != torch.uint8 or self.labels.dtype != torch.int64:
            types = f"{self.images.dtype} and {self.labels.dtype}"
            raise TypeError(f"images must be uint8 and labels int64, got {types}")
        if self.images.ndim != 4:
            raise ValueError(f"images must have the shape N×C×H×W, got {tuple(self.images.shape)}")
        if not self.labels.shape == self.index.shape == self.images.shape[:1]:
            raise ValueError(
                f"labels and index must have one entry per image ({len(self.images)}), "
                f"got the shapes {tuple(self.labels.shape)} and {tuple(self.index.shape)}"
            )
        if len(self.labels) and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < len(self.classes):
            raise ValueError(f"labels must lie in 0 to {len(self.classes) - 1}, one for each of the classes")

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, position: int) -> tuple[Tensor, int]:
        """Return one image, normalised, and its label.

        Raises:
            TypeError: `position` is no integer.
            IndexError: there is no such image; loops end by it.
        """
        if not -len(self) <= integer("position", position) < len(self):
            raise IndexError(f"position must be below {len(self)}, the number of images, got {position}")
        return self.normalise(self.images[position]), int(self.labels[position])

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.images.shape[1:]))
        return f"ImageSet({len(self):,} images of {shape}, {len(self.classes)} classes, from {self.source})"

    @property
    def checksum(self) -> str:
        """SHA-256 of all pixels, then all labels as single bytes: equal for equal images in equal order."""
        digest = hashlib.sha256(self.images.cpu().contiguous().numpy())
        digest.update(self.labels.to("cpu", torch.uint8).numpy())
        return digest.hexdigest()

    def normalise(self, images: Tensor) -> Tensor:
        """Return uint8 `images` as float32 with this set's mean at 0 and its standard deviation at 1."""
        return instance("images", images, Tensor).float().div_(255).sub_(self.mean).div_(self.std)

    def to(self, device: torch.device | str) -> "ImageSet":
        """Return the same images with all tensors on `device`.

        Raises:
            ValueError: `device` is none of torch's, or this machine does not have it.
        """
        try:
            there = torch.device(device)
            images, labels, index = self.images.to(there), self.labels.to(there), self.index.to(there)
        except (AssertionError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(
                f"device must be one of torch's that is here, such as 'cpu', got {device!r} ({error})"
            ) from None
        return replace(self, images=images, labels=labels, index=index)

    def take(self, positions: Tensor) -> "ImageSet":
        """Return the images at `positions` (int64), in that order.

        Raises:
            TypeError: `positions` is no such tensor.
            ValueError: there is no image at one of them.
        """
        if instance("positions", positions, Tensor).dtype != torch.int64 or positions.ndim != 1:
            raise TypeError(
                f"positions must be int64 in one dimension, got {positions.dtype}, {positions.ndim}"
            )
        lowest, highest = (int(edge) for edge in positions.aminmax()) if len(positions) else (0, 0)
        if len(positions) and not 0 <= lowest <= highest < len(self):
            raise ValueError(f"positions must lie in 0 to {len(self) - 1}, got {lowest} to {highest}")
        images, labels, index = self.images[positions], self.labels[positions], self.index[positions]
        return replace(self, images=images, labels=labels, index=index)

    def subset(self, count: int, seed: int = 0) -> "ImageSet":
        """Return `count` random images, each class in its share to within one.

        Raises:
            ValueError: there are fewer than `count` images.
        """
        return self.split(count, seed)[0]

    def split(self, count: int, seed: int = 0) -> tuple["ImageSet", "ImageSet"]:
        """Return `count` random images and the others, each class in its share to within one.

        Raises:
            ValueError: there are fewer than `count` images.
        """
        if positive("count", count) > len(self):
            raise ValueError(f"count must be at most {len(self)}, the number of images, got {count}")
        generator = torch.Generator().manual_seed(_seed(seed))
        shuffled = torch.randperm(len(self), generator=generator)
        # The k-th of the n images of a class is put at (k + 1/2) / n: sorted by place, the classes alternate.
        place = torch.empty(len(self), dtype=torch.float64)
        for label in self.labels.unique():
            members = shuffled[self.labels[shuffled] == label]
            place[members] = (torch.arange(len(members), dtype=torch.float64) + 0.5) / len(members)
        order = shuffled[place[shuffled].argsort(stable=True)]
        return self.take(order[:count]), self.take(order[count:])

    def resized(self, size: int) -> "ImageSet":
        """Return the images scaled to `size`×`size` pixels (bilinear, antialiased when shrinking)."""
        if positive("size", size) > _LARGEST_SIDE:
            raise ValueError(f"size must be at most {_LARGEST_SIDE}, got {size}")
        scaled = []
        for chunk in self.images.split(1_000):  # so that only 1,000 images are floats at a time
            pixels = F.interpolate(chunk.float(), (size, size), mode="bilinear", antialias=True)
            scaled.append(pixels.round_().to(torch.uint8))
        return replace(self, images=torch.cat(scaled))


_LARGEST_SIDE = 4096
"""Pixels to which images are enlarged at most."""


def _seed(value: object) -> int:
    if abs(integer("seed", value)) > LARGEST:
        raise ValueError(f"seed must be between −2⁶³ and 2⁶³, got {value}")
    return integer("seed", value)


def fashion_mnist(
    split: str = "train",
    source: str | os.PathLike = "bundled",
    *,
    mirrors: Sequence[str] | None = None,
    timeout: float = 30.0,
) -> ImageSet:
    """Return Fashion-MNIST: grey 28×28 images of clothes in ten classes (Xiao et al., arXiv:1708.07747).

    What was read is printed once per split and source.

    Args:
        split: "train" or "test".
        source: "bundled" reads the subset in the package (13,000 training and 2,000 test images, the same
            number of each class) and needs nothing else. A folder reads the original files (60,000 and 10,000
            images), plain or `.gz`: the folder of Debian's package `dataset-fashion-mnist`, or the `root` of
            torchvision's `FashionMNIST`. "download" fetches them into `cache_folder()`, once, by torchvision.
        mirrors: base addresses to try in turn instead of torchvision's, for "download".
        timeout: seconds of silence after which a server counts as dead.

    Raises:
        ValueError: `split` is unknown, or `mirrors` or `timeout` make no sense.
        TypeError: `source` is neither a string nor a path.
        DataError: a file is missing, unreadable, truncated or not the original, or the download failed.
    """
    one_of("split", split, ORIGINAL_FILES)
    if not isinstance(source, str | os.PathLike):
        raise TypeError(f"source must be 'bundled', 'download' or a folder, got {source!r}")
    if source == "bundled":
        place = _Place(BUNDLED, "the subset in inception_lessons", "install inception_lessons again")
        files = BUNDLED_FILES[split]
    elif source == "download":
        place, files = _downloaded(mirrors, timeout), ORIGINAL_FILES[split]
    else:
        place, files = _existing_folder(Path(source).expanduser()), ORIGINAL_FILES[split]
    images = _read_split(place, files)
    _announce(f"Fashion-MNIST {split}: {len(images):,} images from {place.words}")
    return images


_announced: set[str] = set()


def _announce(line: str) -> None:
    if line not in _announced:
        _announced.add(line)
        print(line)


# Reading


class _Place(NamedTuple):
    """A folder with IDX files."""

    folder: Path
    words: str
    """The same for people."""
    remedy: str
    """What to do when a file in it is of no use."""


def _read_split(place: _Place, files: SplitFiles) -> ImageSet:
    images = _read_bytes(place, files.images).reshape(-1, 1, 28, 28)  # N×1×28×28
    labels = _read_bytes(place, files.labels).long()  # N
    if files.index is None:
        index = torch.arange(len(labels))  # N
    else:
        content = _verified_content(place, files.index)[files.index.header_size :]
        index = torch.tensor(struct.unpack(f">{len(labels)}i", content))  # N
    return ImageSet(images, labels, FASHION_MNIST_CLASSES, place.words, index)


def _read_bytes(place: _Place, file: IdxFile) -> Tensor:
    content = bytearray(_verified_content(place, file))  # torch wants memory that it may write
    return torch.frombuffer(content, dtype=torch.uint8, offset=file.header_size)


def _verified_content(place: _Place, file: IdxFile) -> bytes:
    """Return the uncompressed content of `file`, plain or compressed, wherever it lies below the folder."""
    path = _find(place, file.name)
    open_plain = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)
    try:
        with open_plain(path, "rb") as stream:
            content = stream.read(file.size + 1)  # one more byte, to notice a file that goes on
    except PermissionError:
        raise DataError(f"{path} may not be read: change its permissions, or {place.remedy}") from None
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{path} is damaged ({error}): {place.remedy}") from None
    if len(content) < file.size:
        raise DataError(f"{path} is truncated, {len(content):,} of {file.size:,} bytes: {place.remedy}")
    if (found := hashlib.sha256(content).hexdigest()) != file.sha256:
        raise DataError(
            f"{path} is not Fashion-MNIST's file of that name (MNIST's digits have the same names); "
            f"its SHA-256 is {found}, expected {file.sha256}: {place.remedy}"
        )
    return content


def _find(place: _Place, name: str) -> Path:
    """Return the path of the IDX file `name`, in one of the layouts in which people have it."""
    for folder in (place.folder, place.folder / "FashionMNIST" / "raw", place.folder / "raw"):
        for suffix in ("", ".gz", ".xz"):
            path = folder / (name + suffix)
            if path.is_file():
                return path
    raise DataError(f"{place.folder} has no {name} and no {name}.gz: {place.remedy}")


def _existing_folder(folder: Path) -> _Place:
    remedy = "name a folder with Fashion-MNIST's four original files, or use source='bundled' or 'download'"
    try:
        if folder.is_dir():
            os.listdir(folder)  # tells a folder that may not be read from one in which the files are missing
            return _Place(folder, f"the folder {folder}", remedy)
        reason = "is a file, not a folder" if folder.exists() else "does not exist"
    except PermissionError:
        reason = "may not be read"
    raise DataError(f"source {str(folder)!r} {reason}: {remedy}")


# Downloading

_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
"""Failures of this computer's disk, which another mirror would not cure."""


def _downloaded(mirrors: Sequence[str] | None, timeout: float) -> _Place:
    """Return the folder of the downloaded originals; download them first if there is none.

    Processes that want them at the same time wait for one that downloads.
    """
    _check_mirrors(mirrors)
    check_timeout(timeout)
    cache = cache_folder()
    folder = cache / "fashion-mnist"
    again = f"remove {folder} and call again, or use source='bundled'"
    place = _Place(folder, f"the download in {folder}", again)
    with writing_to_cache(DataError, "use source='bundled'"):
        if folder.is_dir():
            return place
        cache.mkdir(parents=True, exist_ok=True)
        with alone_with(folder):
            if not folder.is_dir():
                _download(place, mirrors, timeout)
    return place


def _download(place: _Place, mirrors: Sequence[str] | None, timeout: float) -> None:
    """Make the folder of `place`, whole or not at all.

    All arrives in a temporary folder, is verified there and then renamed. What a process left that was killed
    is removed.
    """
    cache, prefix = place.folder.parent, f".{place.folder.name}-"
    for left in cache.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=cache) as partial:
        raw = _fetch(Path(partial), mirrors, timeout)
        for files in ORIGINAL_FILES.values():
            _read_split(place._replace(folder=raw), files)
        raw.rename(place.folder)


def _check_mirrors(mirrors: Sequence[str] | None) -> None:
    if mirrors is None:
        return
    if isinstance(mirrors, str):
        raise TypeError(f"mirrors must be a list of addresses, got a string; write [{mirrors!r}]")
    at_least("the number of mirrors", len(mirrors), 1)
    for mirror in mirrors:
        if not mirror.startswith(("http://", "https://")):
            raise ValueError(f"mirrors must be addresses that begin with http:// or https://, got {mirror!r}")


def _fetch(partial: Path, mirrors: Sequence[str] | None, timeout: float) -> Path:
    """Let torchvision download the four files, compare their MD5 and unpack them; return their folder.

    Raises:
        DataError: no mirror sent them.
        OSError: `partial` cannot be written.
    """
    from inception_lessons._torchvision import import_torchvision

    original = import_torchvision().datasets.FashionMNIST
    failures = []
    for mirror in mirrors or original.mirrors:
        # torchvision names its folder after the class, and gives up at the first mirror that falls silent.
        dataset = type("FashionMNIST", (original,), {"mirrors": [mirror.rstrip("/") + "/"]})
        try:
            with _socket_timeout(timeout):
                dataset(partial, download=True)
        except Exception as error:  # torchvision also parses what came, and may raise anything
            if getattr(error, "errno", None) in _UNWRITABLE:
                raise
            failures.append(f"{mirror}: {' '.join(str(error).split()) or type(error).__name__}")
        else:
            raw = partial / "FashionMNIST" / "raw"
            for archive in raw.glob("*.gz"):
                archive.unlink()
            return raw
    raise DataError(
        f"Fashion-MNIST could not be downloaded ({'; '.join(failures)}). Try again later, pass other "
        "mirrors=[…], name a folder that has the files, or use source='bundled', which needs no network"
    )


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Let sockets opened inside give up after `seconds` of silence: torchvision alone would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
