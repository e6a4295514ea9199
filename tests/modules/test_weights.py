"""Pretrained weights: every way in which a download can go wrong, and torchvision's outputs in our networks.

Nothing here leaves this computer: files come from a server inside the test. Checkpoints are torchvision's in
names and shapes, and random.
"""

import contextlib
import hashlib
import io
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from inception_lessons import costs, weights
from inception_lessons._torchvision import import_torchvision
from inception_lessons.models import get_model
from inception_lessons.models._network import Network
from inception_lessons.models.vgg import VGG
from tests.faults import no_file_larger_than

torchvision = import_torchvision()
CLASSES = ["ant", "bee", "cat", "dog", "elk"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """Nothing in these tests may touch the user's own caches."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("INCEPTION_LESSONS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "weights"


# A network small enough to be served whole, half or wrong: in torchvision's form and in ours


class TinyWeights(torchvision.models.WeightsEnum):
    IMAGENET1K_V1 = torchvision.models.Weights(
        url="set by `served`",
        transforms=partial(torchvision.transforms._presets.ImageClassification, crop_size=16),
        meta={"categories": CLASSES},
    )
    DEFAULT = IMAGENET1K_V1


class TheirTiny(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
        self.fc = nn.Linear(8, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x).mean(dim=(2, 3)))


def tiny(*, weights: TinyWeights | None = None, progress: bool = True, num_classes: int = 5) -> TheirTiny:
    return TheirTiny(num_classes)


class OurTiny(Network):
    torchvision_model = "tiny"

    def __init__(self, num_classes: int = 5, in_channels: int = 3) -> None:
        super().__init__()
        steps = [costs.Conv("conv", 8, 3, padding=0), costs.GlobalPool(), costs.Dense("head", num_classes)]
        self.takes([costs.Stage("all", steps)], in_channels)
        self.conv = nn.Conv2d(in_channels, 8, 3)
        self.norm = nn.BatchNorm2d(8)
        self.head = nn.Sequential(nn.Linear(8, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.conv(x)).mean(dim=(2, 3)))

    def torchvision_names(self) -> dict[str, str]:
        return {"conv": "features.0", "norm": "features.1", "head.0": "fc"}


@pytest.fixture(autouse=True)
def registered(monkeypatch) -> None:
    monkeypatch.setitem(torchvision.models._api.BUILTIN_MODELS, "tiny", tiny)


def file_of(content: object) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


@pytest.fixture
def theirs() -> TheirTiny:
    torch.manual_seed(0)
    net = TheirTiny(5)
    nn.init.uniform_(net.features[1].running_mean)
    return net.eval()


@pytest.fixture
def file(theirs) -> bytes:
    return file_of(theirs.state_dict())


# A server that misbehaves as asked


class Server:
    """Serve `content` from this computer, and note which Range each request asks for."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.ranges: list[str | None] = []
        self.status = 200
        self.knows_ranges = True
        self.shifts_ranges = 0
        """By how many bytes a partial answer starts too late."""
        self.sends: int | None = None
        """After how many bytes an answer ends; None: whole."""
        self.then_hangs = False
        self.address = ""
        self.released = threading.Event()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers["Range"]
        self.ranges.append(asked)
        start, size = 0, len(self.content)
        if self.sends == -1:
            self.released.wait(10)
            return
        if asked and self.knows_ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-")) + self.shifts_ranges
            if start >= size:
                handler.send_error(416)
                return
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        else:
            handler.send_response(self.status)
        handler.send_header("Content-Length", str(size - start))
        handler.end_headers()
        handler.wfile.write(self.content[start : size if self.sends is None else start + self.sends])
        if self.then_hangs:
            handler.wfile.flush()
            self.released.wait(10)


@contextmanager
def serving(content: bytes):
    server = Server(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self)

        def log_message(self, *arguments) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    try:
        server.address = f"http://127.0.0.1:{listening.server_port}"
        yield server
    finally:
        server.released.set()
        listening.shutdown()
        thread.join()
        listening.server_close()


@contextmanager
def served(content: bytes, monkeypatch, member=TinyWeights.DEFAULT, name: str | None = None):
    """Let `member` stand for `content` at a server of this computer, under the name that its hash gives."""
    name = name or f"tiny-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    with serving(content) as server:
        monkeypatch.setattr(member.value, "url", f"{server.address}/models/{name}")
        yield server


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*") if not path.name.endswith(".lock"))


load = partial(weights.load, progress=False, timeout=5.0)


def outputs_agree(ours: nn.Module, theirs: nn.Module, x: Tensor) -> bool:
    with torch.no_grad():
        return torch.allclose(ours.eval()(x), theirs.eval()(x), rtol=1e-4, atol=1e-5)


# The download


def test_a_download_is_kept_and_used_again(monkeypatch, cache, theirs, file):
    x = torch.rand(2, 3, 9, 9)
    with served(file, monkeypatch) as server:
        net = load(OurTiny(), "IMAGENET1K_V1")
        assert outputs_agree(net, theirs, x)
        assert files(cache) == [Path(TinyWeights.DEFAULT.url).name] and server.ranges == [None]
    # The server is gone: what follows comes from the cache.
    assert outputs_agree(load(OurTiny(), TinyWeights.IMAGENET1K_V1), theirs, x)


def test_a_broken_download_caches_nothing_and_a_second_try_goes_on_from_there(
    monkeypatch, cache, theirs, file
):
    net = OurTiny()
    with served(file, monkeypatch) as server:
        server.sends = 1000
        with pytest.raises(weights.WeightsError, match=f"after 1,000 of {len(file):,} bytes; a second try"):
            load(net, "DEFAULT")
        assert all(name.endswith(".partial") for name in files(cache))
        server.sends = None
        load(net, "DEFAULT")
        assert server.ranges == [None, "bytes=1000-"]
    assert outputs_agree(net, theirs, torch.rand(2, 3, 9, 9))
    assert files(cache) == [Path(TinyWeights.DEFAULT.url).name]


def test_a_download_may_break_more_than_once(monkeypatch, theirs, file):
    net = OurTiny()
    with served(file, monkeypatch) as server:
        server.sends = 900
        for _ in range(len(file) // 900):
            with pytest.raises(weights.WeightsError, match="a second try goes on"):
                load(net, "DEFAULT")
        load(net, "DEFAULT")
        assert server.ranges == [None, *(f"bytes={n}-" for n in range(900, len(file), 900))]
    assert outputs_agree(net, theirs, torch.rand(2, 3, 9, 9))


@pytest.mark.parametrize("spoil", ["knows no ranges", "sends another range", "partial file too long"])
def test_where_a_download_cannot_go_on_it_begins_anew(monkeypatch, cache, theirs, file, spoil):
    with served(file, monkeypatch) as server:
        cache.mkdir(parents=True)
        partial_file = cache / f"{Path(TinyWeights.DEFAULT.url).name}.partial"
        partial_file.write_bytes(file[:500] if spoil != "partial file too long" else file + b"more")
        server.knows_ranges = spoil != "knows no ranges"
        server.shifts_ranges = 7 if spoil == "sends another range" else 0
        net = load(OurTiny(), "DEFAULT")
        assert server.ranges[0] is not None and len(server.ranges) == 1 + server.knows_ranges
    assert outputs_agree(net, theirs, torch.rand(2, 3, 9, 9))


def test_a_whole_partial_file_needs_no_server(monkeypatch, cache, theirs, file):
    """As a process leaves it that dies between the last byte and the new name."""
    with served(file, monkeypatch) as server:
        cache.mkdir(parents=True)
        (cache / f"{Path(TinyWeights.DEFAULT.url).name}.partial").write_bytes(file)
        assert outputs_agree(load(OurTiny(), "DEFAULT"), theirs, torch.rand(2, 3, 9, 9))
        assert server.ranges == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"another file" * 100, "SHA-256 does not begin with 00112233"),
        (b"\n<!DOCTYPE html><title>Log in</title>", "sent a web page"),
        (b"", "SHA-256 does not begin"),
    ],
)
def test_a_wrong_file_is_refused_and_removed(monkeypatch, cache, content, message):
    with (
        served(content, monkeypatch, name="tiny-00112233.pth"),
        pytest.raises(weights.WeightsError, match=message),
    ):
        load(OurTiny(), "DEFAULT")
    assert files(cache) == []


@pytest.mark.parametrize("at", [0, 0.5, 0.99])
def test_a_bit_that_flips_on_the_way_is_noticed_and_nothing_is_kept(monkeypatch, cache, theirs, file, at):
    with served(file, monkeypatch) as server:
        position = int(at * len(file))
        server.content = file[:position] + bytes([file[position] ^ 1]) + file[position + 1 :]
        with pytest.raises(weights.WeightsError, match="SHA-256 does not begin with"):
            load(OurTiny(), "DEFAULT")
        assert files(cache) == []
        server.content = file
        assert outputs_agree(load(OurTiny(), "DEFAULT"), theirs, torch.rand(2, 3, 9, 9))


def test_a_download_that_ends_at_99_percent_is_ended_by_the_next(monkeypatch, cache, theirs, file):
    most = len(file) * 99 // 100
    with served(file, monkeypatch) as server:
        name, server.sends = Path(TinyWeights.DEFAULT.url).name, most
        with pytest.raises(weights.WeightsError, match=f"broke after {most:,} of {len(file):,} bytes"):
            load(OurTiny(), "DEFAULT")
        assert files(cache) == [f"{name}.partial"]
        server.sends = None
        assert outputs_agree(load(OurTiny(), "DEFAULT"), theirs, torch.rand(2, 3, 9, 9))
        assert files(cache) == [name] and server.ranges == [None, f"bytes={most}-"]


def test_a_wrong_beginning_is_found_and_the_next_try_begins_anew(monkeypatch, cache, theirs, file):
    with served(file, monkeypatch) as server:
        cache.mkdir(parents=True)
        (cache / f"{Path(TinyWeights.DEFAULT.url).name}.partial").write_bytes(b"of another file")
        with pytest.raises(weights.WeightsError, match="is another file"):
            load(OurTiny(), "DEFAULT")
        assert files(cache) == []
        assert outputs_agree(load(OurTiny(), "DEFAULT"), theirs, torch.rand(2, 3, 9, 9))
        assert server.ranges == ["bytes=15-", None]


@pytest.mark.parametrize("after", [-1, 0, 1000])
def test_a_server_that_falls_silent_is_given_up(monkeypatch, cache, file, after):
    """At once, after its headers, or after some bytes."""
    with served(file, monkeypatch) as server:
        server.sends, server.then_hangs = after, True
        with pytest.raises(weights.WeightsError, match="silent for 0.3 seconds.*Try again"):
            load(OurTiny(), "DEFAULT", timeout=0.3)
        assert Path(TinyWeights.DEFAULT.url).name not in files(cache)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refusal_is_told(monkeypatch, cache, file, status):
    with served(file, monkeypatch) as server, pytest.raises(weights.WeightsError) as caught:
        server.answer = lambda handler: handler.send_error(status)
        load(OurTiny(), "DEFAULT")
    assert f"the server answered {status}" in str(caught.value)
    assert f"or put the file from {TinyWeights.DEFAULT.url} into {cache} yourself" in str(caught.value)
    assert files(cache) == []


def test_a_refused_connection_is_told(monkeypatch, cache):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but nobody listens
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/tiny-00112233.pth"
        monkeypatch.setattr(TinyWeights.DEFAULT.value, "url", address)
        with pytest.raises(weights.WeightsError, match="connection was refused. Try again, or put the file"):
            load(OurTiny(), "DEFAULT")
    assert files(cache) == []


@pytest.mark.parametrize(
    "reason", [socket.gaierror(-3, "Temporary failure in name resolution"), OSError(101, "unreachable")]
)
def test_without_a_network_one_sentence_says_so_and_names_the_file(monkeypatch, cache, reason):
    def offline(*arguments, **options):
        raise reason

    monkeypatch.setattr(socket, "getaddrinfo", offline)
    monkeypatch.setattr(TinyWeights.DEFAULT.value, "url", "http://files.test/models/tiny-00112233.pth")
    with pytest.raises(weights.WeightsError, match="seems to be offline") as caught:
        load(OurTiny(), "DEFAULT")
    assert f"put the file from http://files.test/models/tiny-00112233.pth into {cache}" in str(caught.value)


def test_a_file_put_there_by_hand_needs_no_server(monkeypatch, cache, theirs, file):
    with served(file, monkeypatch) as server:
        cache.mkdir(parents=True)
        (cache / Path(TinyWeights.DEFAULT.url).name).write_bytes(file)
        assert outputs_agree(load(OurTiny(), "DEFAULT"), theirs, torch.rand(2, 3, 9, 9))
        assert server.ranges == []


def test_a_damaged_cached_file_is_named_and_fetched_again(monkeypatch, cache, capsys, theirs, file):
    with served(file, monkeypatch) as server:
        load(OurTiny(), "DEFAULT")
        path = cache / Path(TinyWeights.DEFAULT.url).name
        content = bytearray(file)
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        capsys.readouterr()
        assert outputs_agree(load(OurTiny(), "DEFAULT"), theirs, torch.rand(2, 3, 9, 9))
        assert capsys.readouterr().out == f"{path} was damaged: it is removed and downloaded again\n"
        assert path.read_bytes() == file and len(server.ranges) == 2


@contextmanager
def read_only(folder: Path):
    """Take the right to write into `folder` from this process, also when it runs as root."""
    for parent in folder.parents:
        if parent.owner() == folder.owner() and parent.stat().st_mode & 0o077 == 0:
            parent.chmod(0o755)
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_cache_that_may_not_be_written_is_named_and_may_be_read(monkeypatch, cache, theirs, file):
    cache.parent.mkdir()
    with served(file, monkeypatch):
        with (
            read_only(cache.parent),
            pytest.raises(weights.WeightsError, match="cannot be written.*INCEPTION_LESSONS_CACHE"),
        ):
            load(OurTiny(), "DEFAULT")
        load(OurTiny(), "DEFAULT")
        with read_only(cache):
            assert outputs_agree(load(OurTiny(), "DEFAULT"), theirs, torch.rand(2, 3, 9, 9))


def test_a_full_disk_is_named(monkeypatch, file):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with (
        served(file, monkeypatch),
        pytest.raises(weights.WeightsError, match="No space left on device.*CACHE"),
    ):
        load(OurTiny(), "DEFAULT")


def test_what_a_full_disk_took_is_no_file_of_weights_and_the_next_try_goes_on(
    monkeypatch, cache, theirs, file
):
    with served(file, monkeypatch) as server:
        with (
            no_file_larger_than(1000),
            pytest.raises(weights.WeightsError, match="cannot be written .File too large.*weights=None"),
        ):
            load(OurTiny(), "DEFAULT")
        name = Path(TinyWeights.DEFAULT.url).name
        assert files(cache) == [f"{name}.partial"]
        assert (cache / f"{name}.partial").read_bytes() == file[:1000]
        assert outputs_agree(load(OurTiny(), "DEFAULT"), theirs, torch.rand(2, 3, 9, 9))
        assert files(cache) == [name] and server.ranges == [None, "bytes=1000-"]


def test_a_cache_that_is_a_file_is_named(monkeypatch, cache, file):
    cache.parent.write_text("mine")
    with served(file, monkeypatch), pytest.raises(weights.WeightsError, match="is a file, or lies below one"):
        load(OurTiny(), "DEFAULT")
    assert cache.parent.read_text() == "mine"


def test_an_interrupted_download_goes_on(monkeypatch, cache, theirs, file):
    with served(file, monkeypatch) as server:
        server.sends = 1000
        with monkeypatch.context() as patched:

            def interrupted(*arguments):
                raise KeyboardInterrupt

            patched.setattr("os.fsync", interrupted)
            with pytest.raises(KeyboardInterrupt):
                load(OurTiny(), "DEFAULT")
        server.sends = None
        assert outputs_agree(load(OurTiny(), "DEFAULT"), theirs, torch.rand(2, 3, 9, 9))
        assert server.ranges == [None, "bytes=1000-"]


FETCH = """
import sys
from pathlib import Path
from inception_lessons._download import fetch
address, path, digest = sys.argv[1:]
fetch(address, Path(path), digest, timeout=30, progress=False)
print("done")
"""


def fetching(address: str, path: Path, content: bytes) -> subprocess.Popen:
    """Start another process that fetches `content`."""
    digest = hashlib.sha256(content).hexdigest()
    command = [sys.executable, "-u", "-c", FETCH, address, str(path), digest]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


@pytest.mark.slow
def test_two_processes_at_once_download_once(tmp_path):
    content = os.urandom(3_000_000)
    with serving(content) as server:
        both_wait = threading.Event()
        whole = server.answer

        def slow(handler):
            both_wait.wait(20)
            whole(handler)

        server.answer = slow
        first = fetching(server.address, tmp_path / "file", content)
        second = fetching(server.address, tmp_path / "file", content)
        lines: list[str] = []

        def read(stream):
            for line in stream:
                lines.append(line)

        readers = [threading.Thread(target=read, args=(process.stdout,)) for process in (first, second)]
        for reader in readers:
            reader.start()
        while not lines:  # until one says that it waits for the other
            readers[0].join(0.05)
        both_wait.set()
        for reader in readers:
            reader.join()
        assert (first.wait(), second.wait()) == (0, 0)
    assert sorted(lines) == ["Another process is downloading file: waiting for it\n", "done\n", "done\n"]
    assert len(server.ranges) == 1 and (tmp_path / "file").read_bytes() == content


@pytest.mark.slow
def test_a_killed_process_leaves_what_the_next_one_needs(tmp_path):
    content = os.urandom(2_000_000)
    with serving(content) as server:
        server.sends, server.then_hangs = 1_000_000, True
        first = fetching(server.address, tmp_path / "file", content)
        partial_file = tmp_path / "file.partial"
        while first.poll() is None and not (partial_file.exists() and partial_file.stat().st_size):
            time.sleep(0.02)
        first.kill()
        first.communicate()
        have = partial_file.stat().st_size
        assert 0 < have <= 1_000_000
        server.sends, server.then_hangs = None, False
        second = fetching(server.address, tmp_path / "file", content)
        assert second.communicate()[0] == "done\n"
        assert server.ranges == [None, f"bytes={have}-"]
    assert (tmp_path / "file").read_bytes() == content


@pytest.mark.parametrize(("progress", "shown"), [(True, True), (False, False)])
def test_the_bar_is_shown_on_request(monkeypatch, capsys, file, progress, shown):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    with served(file, monkeypatch):
        weights.load(OurTiny(), "DEFAULT", progress=progress)
    assert ("tiny-" in capsys.readouterr().err) == shown


# What is in the file


class Malicious:
    def __reduce__(self):
        return os.mkdir, (os.environ["MALICIOUS_FOLDER"],)


@pytest.mark.parametrize(
    "content",
    [
        b"just text",
        pickle.dumps([1, 2, 3], protocol=2),
        file_of([torch.zeros(3)]),
        file_of({"epoch": 3, "fc.bias": torch.zeros(5)}),
        file_of({1: torch.zeros(5)}),
        file_of(torch.zeros(5)),
    ],
    ids=["text", "pickle", "list", "number inside", "numbered", "tensor"],
)
def test_a_file_that_is_no_checkpoint_is_refused_and_removed(monkeypatch, cache, content):
    with (
        served(content, monkeypatch),
        pytest.raises(weights.WeightsError, match=r"tiny-\w{8}.pth is no file of weights"),
    ):
        load(OurTiny(), "DEFAULT")
    assert files(cache) == []


@pytest.mark.parametrize("save", [partial(pickle.dumps, protocol=2), file_of], ids=["pickle", "torch"])
def test_a_malicious_file_runs_nothing(monkeypatch, cache, tmp_path, save):
    monkeypatch.setenv("MALICIOUS_FOLDER", str(tmp_path / "made"))
    with (
        served(save({"fc.bias": Malicious()}), monkeypatch),
        pytest.raises(weights.WeightsError, match="is no file of weights"),
    ):
        load(OurTiny(), "DEFAULT")
    assert files(cache) == [] and not (tmp_path / "made").exists()


@pytest.mark.parametrize("name", ["../../malicious", "archive/../../../malicious", "{folder}/malicious"])
def test_an_archive_that_leads_out_of_its_folder_writes_nothing(monkeypatch, tmp_path, file, name):
    """A file of torch is a zip archive, and this one has more in it. Torch refuses some of them."""
    stream = io.BytesIO(file)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(name.format(folder=tmp_path), "evil")
    with served(stream.getvalue(), monkeypatch) as server:
        with contextlib.suppress(weights.WeightsError):
            load(OurTiny(), "DEFAULT")
        assert server.ranges == [None]
    assert not [path for path in tmp_path.rglob("*") if path.name == "malicious"]


def test_files_from_before_torch_0_4_1_lack_the_counter_of_batches(monkeypatch, theirs):
    state = theirs.state_dict()
    del state["features.1.num_batches_tracked"]
    state = {key: nn.Parameter(value) for key, value in state.items()}  # these, too, they had
    with served(file_of(state), monkeypatch):
        assert outputs_agree(load(OurTiny(), "DEFAULT"), theirs, torch.rand(2, 3, 9, 9))


def test_the_old_format_of_torch_is_read(monkeypatch, theirs):
    stream = io.BytesIO()
    torch.save(theirs.state_dict(), stream, _use_new_zipfile_serialization=False)
    with served(stream.getvalue(), monkeypatch):
        assert outputs_agree(load(OurTiny(), "DEFAULT"), theirs, torch.rand(2, 3, 9, 9))


def without(state: dict, key: str) -> dict:
    return {name: value for name, value in state.items() if name != key}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: without(s, "fc.weight"), "state_dict does not fit this OurTiny; missing: fc.weight$"),
        (lambda s: s | {f"b{n}": s["fc.bias"] for n in range(5)}, "unknown: b0, b1, b2 and 2 more$"),
        (
            lambda s: s | {"features.0.weight": torch.zeros(8, 3, 5, 5)},
            r"of another shape: features.0.weight \(8, 3, 5, 5\) for \(8, 3, 3, 3\); build it with "
            "torchvision's numbers",
        ),
        (
            lambda s: TheirTiny(7).state_dict(),
            r"state_dict has 7 classes, this network 5: build it with num_classes=7, and afterwards replace "
            r"the last layer, net.head\[0\] = torch.nn.Linear\(8, 5\)",
        ),
        (
            lambda s: s | {"features.0.weight": torch.zeros(8, 1, 3, 3)},
            "takes 1 channels, this network 3: build it with in_channels=1$",
        ),
        (lambda s: {}, "missing: features.0.weight, features.0.bias, features.1.weight and 5 more"),
        (lambda s: s | {"fc.bias": torch.zeros(())}, r"of another shape: fc.bias \(\) for \(5,\)"),
        (lambda s: list(s), "state_dict must be a dict of names and tensors, got list"),
        (lambda s: s | {"fc.bias": [0] * 5}, "state_dict must be a dict of names and tensors"),
    ],
)
def test_a_state_dict_that_does_not_fit_is_refused_and_changes_nothing(theirs, change, message):
    net = OurTiny()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    with pytest.raises((ValueError, TypeError), match=message):
        weights.from_torchvision(net, change(theirs.state_dict()))
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_what_does_not_fit_is_refused_before_the_download(monkeypatch, file):
    with served(file, monkeypatch) as server:
        with pytest.raises(
            ValueError, match=r"file of TinyWeights.IMAGENET1K_V1 has 5 classes.*num_classes=5"
        ):
            load(OurTiny(num_classes=4), "DEFAULT")
        with pytest.raises(ValueError, match=r"takes 3 channels, .*in_channels=3; grey .*expand\(-1, 3"):
            load(OurTiny(in_channels=1), "DEFAULT")
        assert server.ranges == []


@pytest.mark.parametrize("change", [weights.to_torchvision, lambda net: load(net, "DEFAULT")])
def test_a_network_that_was_rebuilt_is_refused(change):
    net = OurTiny()
    net.head = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 5))
    with pytest.raises(ValueError, match="torchvision's tiny has no place for head.1.weight; a layer may be"):
        change(net)


@pytest.mark.parametrize("change", [weights.to_torchvision, lambda net: load(net, "DEFAULT")])
def test_a_module_that_is_no_network_is_refused(change):
    with pytest.raises(TypeError, match="net must be a network from inception_lessons.models, got Linear"):
        change(nn.Linear(8, 5))


def test_the_remedy_for_another_number_of_classes_works(theirs):
    net = weights.from_torchvision(OurTiny(), theirs.state_dict())
    net.head[0] = torch.nn.Linear(8, 2)
    assert weights.to_torchvision(net)["fc.weight"].shape == (2, 8)


# Which weights are meant


@pytest.mark.parametrize(
    ("meant", "error", "message"),
    [
        ("IMAGENET1K_V2", ValueError, "weights 'IMAGENET1K_V2' is not known; did you mean 'IMAGENET1K_V1'"),
        ("imagenet", ValueError, "known: 'IMAGENET1K_V1', 'DEFAULT'"),
        (
            torchvision.models.AlexNet_Weights.DEFAULT,
            ValueError,
            "AlexNet_Weights.IMAGENET1K_V1 belong to another network; for this OurTiny there are "
            "TinyWeights.IMAGENET1K_V1",
        ),
        ("AlexNet_Weights.IMAGENET1K_V1", ValueError, "did you mean 'IMAGENET1K_V1'"),
        (True, TypeError, "weights must be 'DEFAULT' or another name of TinyWeights, got True"),
        (1, TypeError, "got 1"),
    ],
)
def test_unknown_weights_are_refused(meant, error, message):
    with pytest.raises(error, match=message):
        load(OurTiny(), meant)


def test_no_weights_leave_the_network_as_it_is(cache):
    net = OurTiny()
    before = net.conv.weight.clone()
    assert load(net, None) is net and torch.equal(net.conv.weight, before) and not cache.exists()


@pytest.mark.parametrize(
    "meant", ["DEFAULT", "IMAGENET1K_V1", "TinyWeights.IMAGENET1K_V1", TinyWeights.IMAGENET1K_V1]
)
def test_all_ways_to_say_which(meant):
    assert weights.find(OurTiny(), meant) is TinyWeights.IMAGENET1K_V1


def test_the_preprocessing_is_torchvision_s_own():
    image = torch.randint(256, (3, 300, 300), dtype=torch.uint8)
    expected = TinyWeights.DEFAULT.transforms()(image)
    got = weights.preprocessing(OurTiny())(image)
    assert got.shape == (3, 16, 16) and torch.equal(got, expected)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), "3", True])
def test_a_nonsensical_timeout_is_refused(timeout):
    with pytest.raises(ValueError, match="timeout must be a positive number of seconds"):
        load(OurTiny(), "DEFAULT", timeout=timeout)


def test_an_address_without_a_hash_is_refused(monkeypatch, cache):
    monkeypatch.setattr(TinyWeights.DEFAULT.value, "url", "http://127.0.0.1:9/tiny.pth")
    with pytest.raises(weights.WeightsError, match="has no SHA-256 in its name"):
        load(OurTiny(), "DEFAULT")
    assert not cache.exists()


def test_a_network_that_torchvision_does_not_have_is_refused():
    with pytest.raises(ValueError, match="torchvision has no GoogLeNet of variant 'paper'"):
        load(get_model("googlenet_lesson"), "DEFAULT")
    with pytest.raises(ValueError, match="torchvision has no vgg4, as this VGG would be"):
        load(VGG(["conv3-8", "maxpool", "FC-8", "FC-8", "FC-8", "soft-max"]), "DEFAULT")


# Round trip


def test_our_weights_in_torchvision_s_names_load_there(tmp_path):
    net = OurTiny().train()
    net(torch.rand(4, 3, 9, 9))  # moves the statistics of the norm
    torch.save(weights.to_torchvision(net), tmp_path / "ours.pth")
    theirs = TheirTiny(5)
    theirs.load_state_dict(torch.load(tmp_path / "ours.pth", weights_only=True), strict=True)
    assert outputs_agree(net, theirs, torch.rand(2, 3, 9, 9))
    assert theirs.features[1].num_batches_tracked == 1


def test_the_copies_are_not_the_network_s_own():
    net = OurTiny()
    weights.to_torchvision(net)["fc.bias"].fill_(7)
    assert not (net.head[0].bias == 7).any()


# The four families, against torchvision's own loading of the same file


def checkpoint(name: str) -> dict[str, Tensor]:
    """Return a random checkpoint with all of torchvision's names and shapes, in little space.

    The entries of a tensor overlap in memory: w[i, j] is the number at 7i + j, which is as good as random to
    every test here, and makes a file of less than 1 MB of VGG's 500.
    """
    torch.manual_seed(0)
    quick = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with torch.device("meta"):
        net = torchvision.models.get_model(name, weights=None, **quick)
    return {key: overlapping(tuple(value.shape)) for key, value in net.state_dict().items()}


def overlapping(shape: tuple[int, ...]) -> Tensor:
    if not shape:
        return torch.tensor(3)  # batches counted
    strides = (7, 1) if len(shape) == 2 else (83, 29, 5, 1)[: len(shape)]
    length = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    values = torch.rand(length) + 0.5  # fit for a variance
    if len(shape) > 1:
        fan_in = torch.Size(shape[1:]).numel()
        values = (values - 1) * (24 / fan_in) ** 0.5  # deviation (2 / fan_in)^½
    return values.as_strided(shape, strides)


TORCHVISION_S = {"googlenet": {"variant": "torchvision"}, "alexnet": {"variant": "torchvision"}}


@contextmanager
def checkpoint_served(name: str, monkeypatch):
    """Let torchvision's weights for `name` stand for a random checkpoint at a server of this computer."""
    member, content = torchvision.models.get_model_weights(name).IMAGENET1K_V1, file_of(checkpoint(name))
    file_name = f"{name}-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    with served(content, monkeypatch, member, file_name) as server:
        yield member, server


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alexnet", "vgg11", "vgg16_bn", "googlenet", "inception_v3"])
def test_outputs_equal_those_of_torchvision_with_the_same_file(monkeypatch, cache, name):
    with checkpoint_served(name, monkeypatch) as (member, server):
        theirs = torchvision.models.get_model(name, weights=member, progress=False).eval()
        ours = get_model(name, weights="IMAGENET1K_V1").eval()
        assert len(server.ranges) == 2  # each has a cache of its own
    assert files(cache) == [Path(member.url).name]
    images = torch.randint(256, (2, 3, 350, 400), dtype=torch.uint8)
    x = weights.preprocessing(ours)(images)
    side = 64 if name.startswith("vgg") else 160
    x = x[..., :side, :side]  # to save time
    with torch.no_grad():
        got, expected = ours(x), theirs(x)
        for value in theirs.state_dict().values():
            value.zero_()
        theirs.load_state_dict(weights.to_torchvision(ours), strict=True)
        assert torch.equal(theirs(x), expected)
    assert (expected[0] - expected[1]).abs().max() > 1e-3 * expected.std() > 0
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-4 * expected.std().item())


@pytest.mark.slow
def test_explicit_options_win_over_what_weights_bring(monkeypatch):
    with checkpoint_served("googlenet", monkeypatch) as (member, _):
        options = {"transform_input": False, "kernel5": 5, "aux": True}
        ours = get_model("googlenet", weights=member, **options).eval()
        theirs = torchvision.models.get_model("googlenet", weights=member, transform_input=False).eval()
    assert ours.body["3a"].conv5[0].kernel_size == (5, 5) and list(ours.aux) == ["4a", "4d"]
    x = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        got, expected = ours(x), theirs(x)
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-4 * expected.std().item())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_weights_loaded_by_hand_switch_the_input_transform_on(monkeypatch, name):
    with checkpoint_served(name, monkeypatch):
        net = get_model(name, **TORCHVISION_S.get(name, {}))
        assert not net.transform_input
        assert load(net, "DEFAULT").transform_input


@pytest.mark.slow
@pytest.mark.parametrize("kernel5", [3, 5])
@pytest.mark.parametrize("aux", [False, True])
def test_googlenet_s_weights_come_back_as_they_were(kernel5, aux):
    state = checkpoint("googlenet")
    net = get_model("googlenet", variant="torchvision", kernel5=kernel5, aux=aux)
    back = weights.to_torchvision(weights.from_torchvision(net, state))
    expected = {key: value for key, value in state.items() if aux or not key.startswith(("aux1", "aux2"))}
    assert list(back) == list(expected)
    assert all(torch.equal(value, expected[key]) for key, value in back.items())


def test_a_rim_that_is_not_zero_is_refused():
    net = get_model("googlenet", variant="torchvision", kernel5=5, aux=False)
    with pytest.raises(ValueError, match=r"rim of body.3a.conv5.0.weight must be 0.*build with kernel5=3"):
        weights.to_torchvision(net)


def test_a_rim_of_zeros_changes_nothing():
    x, weight = torch.randn(1, 4, 9, 9), torch.randn(2, 4, 3, 3)
    convolve = nn.functional.conv2d
    framed = weights.zero_rim(weight, 5)
    torch.testing.assert_close(convolve(x, framed, padding=2), convolve(x, weight, padding=1))
    assert framed.shape == (2, 4, 5, 5) and torch.equal(weights.zero_rim(weight, 3), weight)


@pytest.mark.parametrize("kernel_size", [1, 4])
def test_an_impossible_rim_is_refused(kernel_size):
    with pytest.raises(ValueError, match=f"must be 3 or larger by an even number, got {kernel_size}"):
        weights.zero_rim(torch.zeros(1, 1, 3, 3), kernel_size)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "heads"), [("googlenet", ("aux1", "aux2")), ("inception_v3", ("AuxLogits",))]
)
def test_heads_are_left_out_loaded_or_missed(name, heads):
    state = checkpoint(name)
    options = TORCHVISION_S.get(name, {})
    without_heads = {key: value for key, value in state.items() if not key.startswith(heads)}
    assert len(without_heads) < len(state)
    bare = weights.from_torchvision(get_model(name, aux=False, **options), state)
    assert weights.to_torchvision(bare).keys() == without_heads.keys()
    with_heads = get_model(name, aux=True, **options)
    with pytest.raises(ValueError, match=rf"missing: {heads[0]}\.\S+, .* build it with aux=False"):
        weights.from_torchvision(with_heads, without_heads)
    with pytest.raises(ValueError, match=rf"unknown: {heads[0]}\.more"):
        weights.from_torchvision(with_heads, state | {f"{heads[0]}.more": torch.zeros(1)})
    names = with_heads.torchvision_names()
    for path, layer in with_heads.aux.named_modules(prefix="aux"):
        if path in names:
            theirs = state[f"{names[path]}.weight"]
            before = layer.weight.detach().clone()
            assert before.shape == theirs.shape and not torch.equal(before, theirs)
    weights.from_torchvision(with_heads, state)
    assert all(torch.equal(value, state[key]) for key, value in weights.to_torchvision(with_heads).items())


# What the builders say. On the device "meta" a network has no numbers, and nothing here needs any.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "enum"),
    [
        ("alexnet", {"variant": "torchvision"}, "AlexNet_Weights"),
        ("googlenet", {"variant": "torchvision"}, "GoogLeNet_Weights"),
        ("inception_v3", {}, "Inception_V3_Weights"),
        ("vgg11", {}, "VGG11_Weights"),
        ("vgg11_bn", {}, "VGG11_BN_Weights"),
        ("vgg13", {}, "VGG13_Weights"),
        ("vgg13_bn", {}, "VGG13_BN_Weights"),
        ("vgg16", {}, "VGG16_Weights"),
        ("vgg16", {"batch_norm": True}, "VGG16_BN_Weights"),
        ("vgg16_bn", {}, "VGG16_BN_Weights"),
        ("vgg19", {}, "VGG19_Weights"),
        ("vgg19_bn", {}, "VGG19_BN_Weights"),
    ],
)
def test_each_network_finds_its_weights_and_fits_torchvision_s_names_and_shapes(name, options, enum):
    with torch.device("meta"):
        net = get_model(name, **options)
    assert weights.find(net, "DEFAULT") is getattr(torchvision.models, enum).DEFAULT
    state = {key: value.to("meta") for key, value in checkpoint(net.torchvision_model).items()}
    weights.from_torchvision(net, state)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("alexnet", {"variant": "paper"}, "no AlexNet with groups .* build with variant='torchvision'"),
        ("alexnet", {"num_classes": 10}, r"1000 classes, this network 10: .*num_classes=1000, and afterwards "
         r"replace the last layer, net.dense8 = torch.nn.Linear\(4096, 10\)"),
        ("alexnet", {"width": 0.5}, "of another shape: features.0.weight .*width=1"),
        ("googlenet", {"variant": "paper"}, "of variant 'paper' .*build with variant='torchvision'"),
        ("googlenet", {"num_classes": 7}, r"net.linear = torch.nn.Linear\(1024, 7\)"),
        ("googlenet", {"in_channels": 1}, "takes 3 channels, this network 1: build it with in_channels=3"),
        ("googlenet", {"width": 0.5}, "build with variant='torchvision' and width=1"),
        ("inception_v3", {"num_classes": 10}, r"net.linear = torch.nn.Linear\(2048, 10\)"),
        ("inception_v3", {"width": 0.5}, "of another shape: Conv2d_1a_3x3.conv.weight .*width=1"),
        ("vgg16", {"num_classes": 10}, r"file of VGG16_Weights.*net.linear = torch.nn.Linear\(4096, 10\)"),
        ("vgg16", {"in_channels": 1}, "takes 3 channels, this network 1: build it with in_channels=3"),
        ("vgg19_bn", {"width": 0.5}, "of another shape: features.0.weight"),
        ("vgg16", {"weights": "IMAGENET1K_FEATURES"}, "IMAGENET1K_FEATURES have no last layers.*'DEFAULT'"),
        ("vgg16", {"weights": "IMAGENET1K_V2"}, "did you mean 'IMAGENET1K_V1'"),
        ("vgg16", {"weights": torchvision.models.VGG16_BN_Weights.DEFAULT}, "there are VGG16_Weights"),
        ("vgg16_bn", {"weights": torchvision.models.VGG16_Weights.DEFAULT}, "there are VGG16_BN_Weights"),
        ("inception_v3", {"weights": torchvision.models.VGG11_Weights.DEFAULT}, "there are Inception_V3_"),
    ],
)  # fmt: skip
def test_a_builder_refuses_before_the_download(monkeypatch, cache, name, options, message):
    monkeypatch.setattr(weights, "fetch", None)  # a download would be a TypeError
    with torch.device("meta"), pytest.raises(ValueError, match=message):
        get_model(name, **{"weights": "DEFAULT"} | options)
    assert not cache.exists()
