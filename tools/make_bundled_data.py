"""Make the images that the package bundles, from the original Fashion-MNIST:

    python tools/make_bundled_data.py /usr/share/datasets/fashion-mnist

The argument is a folder with the four original files, here that of Debian's package `dataset-fashion-mnist`.
The subset is the first 1,300 training and the first 200 test images of each class, in the order of the
originals: nothing is drawn at random. The files are plain IDX, compressed with xz, which takes 14 % less than
gzip. The SHA-256 of each uncompressed file is printed; `inception_lessons/data.py` holds them. With
`--check`, nothing is written, and the exit status says whether the package has what this command makes.
"""

import argparse
import hashlib
import lzma
import os
import struct
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from inception_lessons import data  # noqa: E402  (the line above makes it importable without an installation)

IMAGES_PER_CLASS = {"train": 1_300, "test": 200}

# Settings found by trying: no byte position or alignment (lp, pb) helps, four bits of context (lc) do.
XZ = {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "lp": 0, "pb": 0, "nice_len": 273}


def first_of_each_class(images: data.ImageSet, count: int) -> data.ImageSet:
    """Return the first `count` images of each class, in their original order."""
    classes = range(len(images.classes))
    members = [torch.nonzero(images.labels == label).flatten()[:count] for label in classes]
    return images.take(torch.cat(members).sort().values)


def idx_contents(images: data.ImageSet) -> tuple[bytes, bytes, bytes]:
    """Return IDX files of the images and labels (type 8, unsigned bytes) and indices (type 12, integers)."""
    count, _, height, width = images.images.shape
    return (
        struct.pack(">HBBIII", 0, 8, 3, count, height, width) + images.images.numpy().tobytes(),
        struct.pack(">HBBI", 0, 8, 1, count) + bytes(images.labels.tolist()),
        struct.pack(f">HBBI{count}i", 0, 12, 1, count, *images.index.tolist()),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("originals", type=Path, help="folder with the four original files")
    parser.add_argument("--check", action="store_true", help="compare with the package instead of writing")
    arguments = parser.parse_args()
    same = True
    for split, files in data.BUNDLED_FILES.items():
        subset = first_of_each_class(data.fashion_mnist(split, arguments.originals), IMAGES_PER_CLASS[split])
        for file, content in zip(files, idx_contents(subset), strict=True):
            path = data.BUNDLED / f"{file.name}.xz"
            if arguments.check:
                same &= lzma.decompress(path.read_bytes()) == content
                continue
            temporary = path.with_suffix(".tmp")
            temporary.write_bytes(lzma.compress(content, filters=[XZ]))
            os.replace(temporary, path)
            print(f"{path.name:32} {path.stat().st_size:>9,} bytes  {hashlib.sha256(content).hexdigest()}")
    if not same:
        print("The bundled files are not what this command makes.", file=sys.stderr)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
