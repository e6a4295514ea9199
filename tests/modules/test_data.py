"""The images: what is bundled against the originals, and every way in which reading and downloading can fail.

The originals are those of Debian's package `dataset-fashion-mnist`, where it is installed. Nothing here
leaves this
computer: downloads come from a server inside the test.
"""

import errno
import gzip
import hashlib
import io
import os
import pickle
import random
import socket
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from inception_lessons import data
from inception_lessons._torchvision import import_torchvision
from tests.faults import no_file_larger_than

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
originals = pytest.mark.skipif(
    not DEBIAN.is_dir(), reason="the originals are not installed (Debian's dataset-fashion-mnist)"
)

# MD5 of the uncompressed originals, on which the projects that list them agree.
MD5_OF_CONTENT = {
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}

# Debian dropped name and time from the archives' headers. With these put back, they are the originals, byte
# for byte, and have the MD5 that torchvision expects.
ARCHIVE_TIMES = {
    "train-images-idx3-ubyte": 1504176606,
    "train-labels-idx1-ubyte": 1504176606,
    "t10k-images-idx3-ubyte": 1504176627,
    "t10k-labels-idx1-ubyte": 1504176627,
}


@pytest.fixture(scope="module")
def bundled() -> dict[str, data.ImageSet]:
    return {split: data.fashion_mnist(split) for split in ("train", "test")}


@pytest.fixture(scope="module")
def full() -> dict[str, data.ImageSet]:
    return {split: data.fashion_mnist(split, DEBIAN) for split in ("train", "test")}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """Nothing in these tests may touch the user's own cache."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("INCEPTION_LESSONS_CACHE", str(folder))
    return folder


def small_set(per_class: tuple[int, ...]) -> data.ImageSet:
    labels = torch.cat([torch.full((count,), label) for label, count in enumerate(per_class)])
    images = torch.arange(len(labels)).to(torch.uint8)[:, None, None, None].expand(-1, 1, 4, 4).contiguous()
    classes = tuple("abcdefghij"[: len(per_class)])
    return data.ImageSet(images, labels, classes, "a test", torch.arange(len(labels)))


# What is bundled


@pytest.mark.parametrize(("split", "per_class"), [("train", 1300), ("test", 200)])
def test_bundled_subset_has_equally_many_images_of_each_class(bundled, split, per_class):
    images = bundled[split]
    assert images.labels.bincount().tolist() == [per_class] * 10
    assert images.images.shape == (10 * per_class, 1, 28, 28)
    assert len(images) == len(images.index.unique()) == 10 * per_class
    assert images.classes == tuple(import_torchvision().datasets.FashionMNIST.classes)


@pytest.mark.slow
@originals
@pytest.mark.parametrize("split", ["train", "test"])
def test_bundled_images_are_those_at_their_index_in_the_originals(bundled, full, split):
    subset, whole = bundled[split], full[split]
    assert torch.equal(subset.images, whole.images[subset.index])
    assert torch.equal(subset.labels, whole.labels[subset.index])
    for label in range(10):
        first = torch.nonzero(whole.labels == label).flatten()[: len(subset) // 10]
        assert torch.equal(subset.index[subset.labels == label], first)


@pytest.mark.slow
@originals
def test_the_command_that_made_the_bundled_files_would_make_them_again(root):
    command = [sys.executable, root / "tools" / "make_bundled_data.py", "--check", DEBIAN]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_bundled_files_fit_the_repository_and_carry_their_licence():
    assert sum(file.stat().st_size for file in data.BUNDLED.iterdir()) <= 6_000_000
    licence = (data.BUNDLED / "LICENSE").read_text(encoding="utf-8")
    assert "MIT License" in licence and "Zalando SE" in licence


@pytest.mark.slow
@originals
def test_normalised_training_images_have_mean_0_and_standard_deviation_1(full):
    values = full["train"].normalise(full["train"].images).double()
    assert abs(values.mean()) < 2e-4 and abs(values.std() - 1) < 2e-4


def test_a_damaged_bundled_file_is_an_error(monkeypatch, tmp_path):
    for file in data.BUNDLED.glob("t10k*"):
        content = bytearray(file.read_bytes())
        if "images" in file.name:
            content[len(content) // 2] ^= 1
        (tmp_path / file.name).write_bytes(content)
    monkeypatch.setattr(data, "BUNDLED", tmp_path)
    with pytest.raises(
        data.DataError, match="t10k-images-idx3-ubyte.xz is damaged.*install inception_lessons again"
    ):
        data.fashion_mnist("test")


def test_one_line_says_what_is_used_and_only_once(monkeypatch, capsys):
    monkeypatch.setattr(data, "_announced", set())
    for _ in range(3):
        data.fashion_mnist("test")
    assert (
        capsys.readouterr().out == "Fashion-MNIST test: 2,000 images from the subset in inception_lessons\n"
    )


# Sets of images


def test_items_are_normalised_images_and_labels(bundled):
    images = bundled["test"]
    loader = torch.utils.data.DataLoader(images, batch_size=4)
    batch, labels = next(iter(loader))
    expected = (images.images[:4] / 255 - 0.2860) / 0.3530
    torch.testing.assert_close(batch, expected)
    assert labels.tolist() == images.labels[:4].tolist()


@pytest.mark.parametrize("seed", range(5))
def test_split_is_stratified_complete_and_decided_by_its_seed(seed):
    images = small_set((40, 20, 20, 0, 7))
    first, second = images.split(29, seed)
    for label, count in enumerate((40, 20, 20, 0, 7)):
        assert abs(int((first.labels == label).sum()) - 29 * count / 87) < 1
    assert len(first) == 29 and len(second) == 58
    assert sorted(torch.cat([first.index, second.index]).tolist()) == list(range(87))
    assert torch.equal(first.images[:, 0, 0, 0], first.index.to(torch.uint8))
    assert torch.equal(images.subset(29, seed).index, first.index)
    assert torch.equal(images.split(29, seed)[0].index, first.index)
    assert not torch.equal(images.split(29, seed + 100)[0].index, first.index)


def test_split_leaves_the_global_random_state_alone():
    before = torch.random.get_rng_state()
    small_set((5, 5)).split(4, seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_checksum_is_the_sha256_of_pixels_and_labels():
    images = small_set((3, 2))
    pixels = b"".join(bytes([number]) * 16 for number in range(5))
    assert images.checksum == hashlib.sha256(pixels + bytes([0, 0, 0, 1, 1])).hexdigest()


def test_resized_images_agree_with_pillow(bundled):
    from PIL import Image

    images = bundled["test"].subset(20)
    for size in (14, 56):
        scaled = images.resized(size)
        assert scaled.images.shape == (20, 1, size, size) and scaled.images.dtype == torch.uint8
        for before, after in zip(images.images, scaled.images, strict=True):
            image = Image.fromarray(before[0].numpy()).resize((size, size), Image.Resampling.BILINEAR)
            expected = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).reshape(size, size)
            assert (after[0].int() - expected.int()).abs().max() <= 1


@pytest.mark.parametrize(
    ("attempt", "error", "message"),
    [
        (lambda: data.fashion_mnist("tset"), ValueError, "split 'tset' is not known; did you mean 'test'"),
        (
            lambda: data.fashion_mnist(source=3),
            TypeError,
            "source must be 'bundled', 'download' or a folder, got 3",
        ),
        (
            lambda: data.fashion_mnist(source="bundeld"),
            data.DataError,
            "'bundeld' does not exist: .*source='bundled'",
        ),
        (lambda: data.fashion_mnist(source="download", timeout=0), ValueError, "timeout must be a positive"),
        (
            lambda: data.fashion_mnist(source="download", mirrors="http://x"),
            TypeError,
            "must be a list of addresses",
        ),
        (
            lambda: data.fashion_mnist(source="download", mirrors=[]),
            ValueError,
            "number of mirrors must be at least 1",
        ),
        (lambda: data.fashion_mnist(source="download", mirrors=["ftp://x"]), ValueError, "begin with http"),
        (lambda: small_set((3,)).subset(0), ValueError, "count must be at least 1, got 0"),
        (
            lambda: small_set((3,)).subset(4),
            ValueError,
            "count must be at most 3, the number of images, got 4",
        ),
        (lambda: small_set((3,)).subset(2, seed=0.5), TypeError, "seed must be an integer, got 0.5"),
        (lambda: small_set((3,)).resized(0), ValueError, "size must be at least 1, got 0"),
        (
            lambda: data.ImageSet(
                torch.zeros(2, 1, 4, 4), torch.zeros(2).long(), ("a",), "", torch.arange(2)
            ),
            TypeError,
            "images must be uint8 and labels int64, got torch.float32 and torch.int64",
        ),
        (
            lambda: data.ImageSet(
                torch.zeros(2, 4, 4).byte(), torch.zeros(2).long(), ("a",), "", torch.arange(2)
            ),
            ValueError,
            "images must have the shape N×C×H×W",
        ),
        (
            lambda: data.ImageSet(
                torch.zeros(2, 1, 4, 4).byte(), torch.zeros(3).long(), ("a",), "", torch.arange(2)
            ),
            ValueError,
            "one entry per image",
        ),
        (
            lambda: data.ImageSet(
                torch.zeros(2, 1, 4, 4).byte(), torch.ones(2).long(), ("a",), "", torch.arange(2)
            ),
            ValueError,
            "labels must lie in 0 to 0",
        ),
    ],
)
def test_nonsense_is_refused(attempt, error, message, cache):
    with pytest.raises(error, match=message):
        attempt()
    assert not cache.exists()


# A folder


def originals_in(folder: Path, suffix: str) -> Path:
    """Fill `folder` with the originals, as archives (".gz") or unpacked ("")."""
    folder.mkdir(parents=True)
    for archive in DEBIAN.glob("*.gz"):
        content = archive.read_bytes()
        (folder / (archive.stem + suffix)).write_bytes(content if suffix else gzip.decompress(content))
    return folder


@pytest.mark.slow
@originals
def test_checksums_of_the_originals_are_those_that_others_publish():
    for files in data.ORIGINAL_FILES.values():
        for file in filter(None, files):
            content = gzip.decompress((DEBIAN / f"{file.name}.gz").read_bytes())
            assert hashlib.md5(content).hexdigest() == MD5_OF_CONTENT[file.name]
            assert hashlib.sha256(content).hexdigest() == file.sha256
            assert len(content) == file.size


@pytest.mark.slow
@originals
def test_a_folder_gives_what_torchvision_reads_from_it(tmp_path, full):
    originals_in(tmp_path / "FashionMNIST" / "raw", "")
    theirs = import_torchvision().datasets.FashionMNIST(tmp_path, train=False)
    ours = data.fashion_mnist("test", tmp_path)
    assert torch.equal(ours.images[:, 0], theirs.data) and torch.equal(ours.labels, theirs.targets)
    assert ours.checksum == full["test"].checksum
    assert len(full["train"]) == 60_000 and torch.equal(full["train"].index, torch.arange(60_000))


@pytest.mark.slow
@originals
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1000]), "t10k-labels-idx1-ubyte.gz is damaged"),
        (lambda path: path.write_bytes(b"<html>not found</html>"), "t10k-labels-idx1-ubyte.gz is damaged"),
        (lambda path: path.write_bytes(gzip.compress(bytes(5000))), "is truncated, 5,000 of 10,008 bytes"),
        (
            lambda path: path.write_bytes(gzip.compress(bytes(10_008))),
            "is not Fashion-MNIST's file of that name",
        ),
        (
            lambda path: path.write_bytes(gzip.compress(bytes(20_000))),
            "is not Fashion-MNIST's file of that name",
        ),
        (lambda path: path.write_bytes(gzip.compress(b"")[:10] + b"\xff" * 99), "idx1-ubyte.gz is damaged"),
        (lambda path: path.unlink(), "has no t10k-labels-idx1-ubyte and no t10k-labels-idx1-ubyte.gz"),
        (lambda path: path.write_bytes(b""), "is truncated, 0 of 10,008 bytes"),
    ],
)
def test_a_wrong_file_in_a_folder_is_named(tmp_path, spoil, message):
    folder = originals_in(tmp_path / "images", ".gz")
    spoil(folder / "t10k-labels-idx1-ubyte.gz")
    with pytest.raises(data.DataError, match=message) as caught:
        data.fashion_mnist("test", folder)
    assert "source='bundled'" in str(caught.value)


def test_a_path_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(data.DataError, match="is a file, not a folder"):
        data.fashion_mnist("test", tmp_path / "file")


@contextmanager
def without_permission(folder: Path):
    """Take all rights to `folder` away from this process, also when it runs as root."""
    folder.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_folder_that_may_not_be_read_is_refused(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    with without_permission(folder), pytest.raises(data.DataError, match="may not be read"):
        data.fashion_mnist("test", folder)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    for folder in tmp_path.parents:  # a worker of xdist has one folder more above its own
        if folder.owner() == tmp_path.owner() and folder.stat().st_mode & 0o077 == 0:
            folder.chmod(0o755)
    tmp_path.chmod(0o755)
    file = tmp_path / "t10k-images-idx3-ubyte"
    file.write_bytes(b"")
    with (
        without_permission(file),
        pytest.raises(data.DataError, match="t10k-images-idx3-ubyte may not be read"),
    ):
        data.fashion_mnist("test", tmp_path)


# A download


@contextmanager
def server(answer):
    """Serve from this computer; `answer(name)` gives a status and a body, or None to fall silent."""
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply = answer(self.path.rpartition("/")[2])
            if reply is None:
                released.wait()
                return
            status, body, announced = reply
            self.send_response(status)
            self.send_header("Content-Length", str(announced))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments) -> None:
            pass

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{serving.server_port}/"
    finally:
        released.set()
        serving.shutdown()
        thread.join()
        serving.server_close()


def kept(cache: Path) -> list[str]:
    """What lies in the cache, but for the empty file by which processes wait for one another."""
    return sorted(path.name for path in cache.glob("*") if path.name != ".fashion-mnist.lock")


def archive(name: str) -> bytes:
    """Return one of Zalando's archives, byte for byte."""
    stem = name.removesuffix(".gz")
    content = (DEBIAN / name).read_bytes()
    named, unix = b"\x1f\x8b\x08\x08", b"\0\x03"
    header = named + ARCHIVE_TIMES[stem].to_bytes(4, "little") + unix + stem.encode() + b"\0"
    return header + content[10:]


def whole(name: str) -> tuple[int, bytes, int]:
    body = archive(name)
    return 200, body, len(body)


@pytest.mark.slow
@originals
def test_download_is_verified_kept_and_used_again(cache, full):
    asked = []

    def answer(name):
        asked.append(name)
        return whole(name)

    with server(answer) as address:
        images = data.fashion_mnist("test", "download", mirrors=[address])
    assert images.checksum == full["test"].checksum
    assert set(asked) == {f"{name}.gz" for name in MD5_OF_CONTENT}
    assert kept(cache) == ["fashion-mnist"]
    assert {path.name for path in (cache / "fashion-mnist").iterdir()} == set(MD5_OF_CONTENT)

    # The server is gone: what follows comes from the cache.
    assert data.fashion_mnist("train", "download", mirrors=[address]).checksum == full["train"].checksum
    labels = cache / "fashion-mnist" / "t10k-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1])
    with pytest.raises(data.DataError, match="is truncated.*: remove .*fashion-mnist and call again"):
        data.fashion_mnist("test", "download", mirrors=[address])


@pytest.mark.slow
@originals
def test_the_next_mirror_is_tried_and_keeps_what_came_before(cache, full):
    def half(name):
        return whole(name) if name.startswith("train") else (404, b"", 0)

    asked = []

    def answer(name):
        asked.append(name)
        return whole(name)

    with server(half) as first, server(answer) as second:
        images = data.fashion_mnist("test", "download", mirrors=[first, second])
    assert images.checksum == full["test"].checksum
    assert set(asked) == {"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"}


def truncated(name):
    return 200, b"\x1f\x8b" + bytes(1000), 5000


def wrong(name):
    body = gzip.compress(b"another file")
    return 200, body, len(body)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda name: (404, b"", 0), "404"),
        (lambda name: (500, b"", 0), "500"),
        (truncated, "corrupted|IncompleteRead|read"),
        (wrong, "corrupted"),
        (lambda name: None, "timed out"),
    ],
    ids=["404", "500", "truncated", "wrong", "silent"],
)
def test_a_failed_download_is_explained_and_leaves_nothing(cache, answer, message):
    with server(answer) as address, pytest.raises(data.DataError, match=message) as caught:
        data.fashion_mnist("test", "download", mirrors=[address], timeout=0.3)
    assert address in str(caught.value) and "source='bundled', which needs no network" in str(caught.value)
    assert kept(cache) == []
    assert socket.getdefaulttimeout() is None


def test_the_timeout_holds_while_the_download_runs(cache):
    seen = set()

    def answer(name):
        seen.add(socket.getdefaulttimeout())
        return 404, b"", 0

    with server(answer) as address, pytest.raises(data.DataError):
        data.fashion_mnist("test", "download", mirrors=[address], timeout=7.5)
    assert seen == {7.5}


def test_without_a_network_the_error_says_so(cache):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but nobody listens
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        with pytest.raises(data.DataError, match="could not be downloaded .*refused.*needs no network"):
            data.fashion_mnist("test", "download", mirrors=[address])
    assert kept(cache) == []


def test_an_interrupted_download_leaves_nothing(cache, monkeypatch):
    def interrupted(self):
        Path(self.raw_folder).mkdir(parents=True)
        (Path(self.raw_folder) / "train-images-idx3-ubyte").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(import_torchvision().datasets.FashionMNIST, "download", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data.fashion_mnist("test", "download")
    assert kept(cache) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_cache_that_may_not_be_written_is_named(cache):
    cache.mkdir()
    with (
        without_permission(cache),
        pytest.raises(data.DataError, match="cannot be written.*INCEPTION_LESSONS_CACHE"),
    ):
        data.fashion_mnist("test", "download")


@pytest.mark.parametrize("below", ["", "below"])
def test_a_cache_that_is_a_file_is_named(cache, monkeypatch, below):
    cache.write_text("mine")
    monkeypatch.setenv("INCEPTION_LESSONS_CACHE", str(cache / below))
    with pytest.raises(data.DataError, match="is a file, or lies below one.*INCEPTION_LESSONS_CACHE"):
        data.fashion_mnist("test", "download")
    assert cache.read_text() == "mine"


def test_the_users_cache_folder_is_the_default(monkeypatch, tmp_path):
    monkeypatch.delenv("INCEPTION_LESSONS_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert data.cache_folder() == tmp_path / "inception_lessons"


# The same in small: four files of a few images stand for the originals, so that one bit or one byte decides


def use_small_originals(patch: Callable[[object, str, object], None], spoil=lambda archive: archive):
    """Let `patch` put small files in place of the originals, here and at torchvision; return their archives.

    `spoil` changes the archives that torchvision expects, as if their publisher had done it.
    """
    numbers, archives, ours, resources = random.Random(0), {}, {}, []
    for split, files in data.ORIGINAL_FILES.items():
        small = []
        for file in files[:2]:
            shape = (30, *file.shape[1:])
            values = bytes(numbers.randrange(10) for _ in range(30)) if len(shape) == 1 else None
            pixels = values or numbers.randbytes(30 * 28 * 28)
            content = b"".join(size.to_bytes(4, "big") for size in (0x800 + len(shape), *shape)) + pixels
            small.append(data.IdxFile(file.name, shape, hashlib.sha256(content).hexdigest()))
            archives[f"{file.name}.gz"] = packed = spoil(gzip.compress(content, mtime=0))
            resources.append((f"{file.name}.gz", hashlib.md5(packed).hexdigest()))
        ours[split] = data.SplitFiles(*small)
    patch(data, "ORIGINAL_FILES", ours)
    patch(import_torchvision().datasets.FashionMNIST, "resources", resources)
    return archives


@pytest.fixture
def small(monkeypatch) -> dict[str, bytes]:
    return use_small_originals(monkeypatch.setattr)


def download(address: str, timeout: float = 10) -> data.ImageSet:
    return data.fashion_mnist("test", "download", mirrors=[address], timeout=timeout)


def sent(body: bytes, announced: int | None = None) -> tuple[int, bytes, int]:
    return 200, body, len(body) if announced is None else announced


def flipped(body: bytes, at: int) -> bytes:
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


FAULTS = {
    "truncated at 99 %": lambda body: sent(body[: len(body) * 99 // 100], len(body)),
    "99 % as if they were all": lambda body: sent(body[: len(body) * 99 // 100]),
    "one byte too many": lambda body: sent(body + b"\0"),
    "a bit of the content": lambda body: sent(flipped(body, len(body) // 2)),
    "a bit of the header": lambda body: sent(flipped(body, 3)),
    "a bit of the checksum": lambda body: sent(flipped(body, len(body) - 8)),
    "a web page": lambda body: sent(b"<!DOCTYPE html><title>Log in</title>"),
    "nothing": lambda body: sent(b""),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"])
def test_one_wrong_file_of_four_leaves_nothing_and_the_next_try_is_whole(cache, small, fault, name):
    """The first of the four, and the last."""

    def answer(asked):
        return (fault if asked == name else sent)(small[asked])

    words = f"Error downloading {name}|File not found or corrupted"  # torchvision's; those of 0.21 last
    with server(answer) as address, pytest.raises(data.DataError, match=words):
        download(address)
    assert kept(cache) == []
    with server(lambda asked: sent(small[asked])) as address:
        assert len(download(address)) == 30
    assert kept(cache) == ["fashion-mnist"]


def test_a_server_that_hangs_in_the_middle_of_the_last_file_leaves_nothing(cache, small):
    def answer(name):
        return None if name == "t10k-labels-idx1-ubyte.gz" else sent(small[name])

    with server(answer) as address, pytest.raises(data.DataError, match="timed out"):
        download(address, timeout=0.3)
    assert kept(cache) == []


def test_without_names_of_servers_one_line_says_what_needs_no_network(cache, monkeypatch):
    def offline(*arguments, **options):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", offline)
    with pytest.raises(data.DataError, match="Temporary failure in name resolution.*needs no net") as caught:
        download("http://files.test/")
    assert "\n" not in str(caught.value) and kept(cache) == []
    assert len(data.fashion_mnist("test")) == 2_000


def test_a_disk_that_is_full_is_named_and_left_empty(cache, small):
    asked = []

    def answer(name):
        asked.append(name)
        return sent(small[name])

    with server(answer) as address, server(answer) as other:
        with (
            no_file_larger_than(10_000),
            pytest.raises(data.DataError, match="cannot be written.*large.*INCEPTION_LESSONS_CACHE.*bundled"),
        ):
            data.fashion_mnist("test", "download", mirrors=[address, other])
        assert kept(cache) == [] and set(asked) == {"train-images-idx3-ubyte.gz"}
        assert len(download(address)) == 30
    assert kept(cache) == ["fashion-mnist"]


def test_a_disk_that_is_full_while_unpacking_is_named_too(cache, small, monkeypatch):
    def full(stream, *arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(gzip.GzipFile, "read", full)
    with (
        server(lambda name: sent(small[name])) as address,
        pytest.raises(data.DataError, match="cannot be written .No space left on device.: set INCEPTION"),
    ):
        download(address)
    assert kept(cache) == []


def test_two_at_once_download_once(cache, small, capsys):
    asked, both_wait, found = [], threading.Event(), []

    def answer(name):
        asked.append(name)
        assert both_wait.wait(20)
        return sent(small[name])

    with server(answer) as address:
        both = [threading.Thread(target=lambda: found.append(download(address))) for _ in range(2)]
        for one in both:
            one.start()
        said, waits = "", "Another process is downloading fashion-mnist: waiting for it\n"
        while waits not in said and any(one.is_alive() for one in both):
            both[0].join(0.02)
            said += capsys.readouterr().out
        both_wait.set()
        for one in both:
            one.join()
    assert waits in said and [len(images) for images in found] == [30, 30]
    assert sorted(set(asked)) == sorted(small) and len(asked) == 2 * 4, "torchvision asks for each file twice"
    assert kept(cache) == ["fashion-mnist"]


DOWNLOADING = """
import sys
from tests.modules import test_data
test_data.use_small_originals(setattr)
print(len(test_data.download(sys.argv[1], timeout=60)), flush=True)
"""


@pytest.mark.slow
def test_of_two_processes_one_is_killed_and_the_other_ends_what_it_began(root, cache, small):
    """The first has three files and hangs in the fourth, the second waits for it."""
    begun, killed = threading.Event(), threading.Event()

    def answer(name):
        if name == "t10k-labels-idx1-ubyte.gz" and not killed.is_set():
            begun.set()
            return None
        return sent(small[name])

    def start(address):
        command = [sys.executable, "-u", "-c", DOWNLOADING, address]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)

    with server(answer) as address:
        first = start(address)
        assert begun.wait(120)
        half = [path for path in kept(cache) if path.startswith(".fashion-mnist-")]
        second = start(address)
        assert second.stdout.readline() == "Another process is downloading fashion-mnist: waiting for it\n"
        killed.set()
        first.kill()
        first.communicate()
        assert second.communicate()[0].endswith("30\n")
    assert len(half) == 1 and kept(cache) == ["fashion-mnist"]
    assert {path.name for path in (cache / "fashion-mnist").iterdir()} == set(MD5_OF_CONTENT)


OFFLINE = """
import sys
tried = []
def without_network(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        tried.append(event)
        raise OSError(101, "Network is unreachable")
sys.addaudithook(without_network)
from inception_lessons import data, models, weights
for split in ("train", "test"):
    data.fashion_mnist(split)
assert not tried, tried
net = models.get_model("googlenet", variant="torchvision")
for ask in (lambda: data.fashion_mnist(source="download"), lambda: weights.load(net, "DEFAULT")):
    try:
        ask()
    except (data.DataError, weights.WeightsError) as reason:
        print(reason)
assert tried
"""


@pytest.mark.slow
def test_offline_from_the_start_the_bundled_images_serve_and_one_line_says_so(root, cache):
    done = subprocess.run([sys.executable, "-c", OFFLINE], capture_output=True, text=True, cwd=root)
    train, test, images, weights = done.stdout.splitlines()
    assert train == "Fashion-MNIST train: 13,000 images from the subset in inception_lessons"
    assert test == "Fashion-MNIST test: 2,000 images from the subset in inception_lessons"
    assert "Network is unreachable" in images and images.endswith(
        "use source='bundled', which needs no network"
    )
    assert "so this computer seems to be offline. Try again, or put the file from https" in weights
    assert done.stderr == "" and done.returncode == 0
    assert kept(cache) == ["weights"] and [path.suffix for path in (cache / "weights").iterdir()] == [".lock"]


# What a server could do that its users trust: the hash is right, the file is not what it says


class Malicious:
    def __reduce__(self):
        return os.mkdir, ("malicious",)


def packed_tar(folder: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo(f"{folder}/malicious")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"evil"))
    return stream.getvalue()


def named_outside(archive: bytes) -> bytes:
    """The same archive, whose header says that its file is called ../../malicious."""
    return archive[:3] + b"\x08" + archive[4:10] + b"../../malicious\0" + archive[10:]


MALICIOUS = {
    "a pickle": lambda archive: gzip.compress(pickle.dumps(Malicious())),
    "a tar that leads out": lambda archive: gzip.compress(packed_tar("../..")),
    "a tar with an absolute name": lambda archive: gzip.compress(packed_tar(os.getcwd())),
    "a plain tar": lambda archive: packed_tar("../.."),
}


@pytest.mark.parametrize("spoil", MALICIOUS.values(), ids=MALICIOUS)
def test_a_malicious_archive_runs_nothing_and_writes_nothing(cache, tmp_path, monkeypatch, spoil):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    served = use_small_originals(monkeypatch.setattr, spoil)
    with server(lambda name: sent(served[name])) as address, pytest.raises(data.DataError):
        download(address)
    assert kept(cache) == []
    assert not [path for path in tmp_path.rglob("*") if path.name == "malicious"]


def test_the_name_in_an_archive_does_not_count(cache, tmp_path, monkeypatch):
    served = use_small_originals(monkeypatch.setattr, named_outside)
    with server(lambda name: sent(served[name])) as address:
        assert len(download(address)) == 30
    assert {path.name for path in (cache / "fashion-mnist").iterdir()} == set(MD5_OF_CONTENT)
    assert not [path for path in tmp_path.rglob("*") if path.name == "malicious"]


def test_a_pickle_beside_the_originals_is_not_opened(tmp_path, monkeypatch, small):
    """Old versions of torchvision kept images in one, which today's still read if they are there."""
    monkeypatch.chdir(tmp_path)
    for folder in ("FashionMNIST/raw", "FashionMNIST/processed"):
        (tmp_path / folder).mkdir(parents=True)
    for name, content in small.items():
        (tmp_path / "FashionMNIST" / "raw" / name).write_bytes(content)
    for name in ("training.pt", "test.pt"):
        (tmp_path / "FashionMNIST" / "processed" / name).write_bytes(pickle.dumps(Malicious()))
    assert len(data.fashion_mnist("test", tmp_path)) == 30
    assert not (tmp_path / "malicious").exists()
