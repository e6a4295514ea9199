"""Files from the network in one folder: each is there whole and verified, or not at all.

A download that stops leaves a file `….partial`, and the next one goes on from its end.
"""

import contextlib
import errno
import hashlib
import os
import re
import socket
import sys
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse, IncompleteRead
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from filelock import FileLock, Timeout
from tqdm.auto import tqdm

CACHE_VARIABLE = "INCEPTION_LESSONS_CACHE"
"""Environment variable that names the folder for downloads."""

_CHUNK = 1 << 18  # bytes


class DownloadError(OSError):
    """A file could not be had from the network; the message is the reason, and the caller adds what to do."""


def cache_folder() -> Path:
    """Return the folder for downloads, which may not exist yet: `INCEPTION_LESSONS_CACHE` or the user's."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "inception_lessons"


def check_timeout(timeout: float) -> None:
    """Refuse a `timeout` that is no positive number of seconds.

    Raises:
        ValueError: it is not.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < float("inf"):
        raise ValueError(f"timeout must be a positive number of seconds, got {timeout!r}")


@contextlib.contextmanager
def writing_to_cache(error: type[OSError], otherwise: str) -> Iterator[None]:
    """Turn a failure to write inside into an `error` that names the folder, the variable and what else helps.

    An `error` from inside passes unchanged.
    """
    cache, remedy = cache_folder(), f"set {CACHE_VARIABLE} to a folder that you may write to, or {otherwise}"
    try:
        yield
    except error:
        raise
    except (FileExistsError, NotADirectoryError):
        raise error(f"the cache folder {cache} is a file, or lies below one: {remedy}") from None
    except OSError as reason:
        raise error(f"the cache folder {cache} cannot be written ({reason.strerror}): {remedy}") from None


def fetch(address: str, path: Path, sha256: str, *, timeout: float, progress: bool) -> None:
    """Bring the file at `address` to `path`, unless it is there already.

    Whatever stands at `path` afterwards has a SHA-256 that begins with `sha256`; a damaged file is replaced.
    Processes that want the same file wait for each other.

    Args:
        timeout: seconds of silence after which the server counts as dead.
        progress: show a bar while downloading.

    Raises:
        DownloadError: the server did not send the file.
        OSError: the folder of `path` cannot be written.
    """
    if _has_digest(path, sha256):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone_with(path):
        if _has_digest(path, sha256):
            return
        if path.exists():
            path.unlink()
            print(f"{path} was damaged: it is removed and downloaded again")
        partial = path.with_name(f"{path.name}.partial")
        if not _has_digest(partial, sha256):
            _receive(address, partial, timeout, progress)
            _verify(partial, sha256)
        os.replace(partial, path)


@contextlib.contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Wait until no other process is inside with the same path; one that dies does not block the others."""
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        held = lock.acquire(timeout=0.1)
    except Timeout:
        print(f"Another process is downloading {path.name}: waiting for it")
        held = lock.acquire()
    with held:
        yield


def _has_digest(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest().startswith(sha256)


def _verify(partial: Path, sha256: str) -> None:
    if _has_digest(partial, sha256):
        return
    with partial.open("rb") as stream:
        begins = stream.read(64).lstrip().lower()
    partial.unlink()
    if begins.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise DownloadError("the server sent a web page in its place, as networks that ask for a login do")
    raise DownloadError(f"what the server sent is another file: its SHA-256 does not begin with {sha256}")


# One request


class _Span(NamedTuple):
    """Which bytes of the file a server is about to send."""

    start: int
    size: int | None
    """Of the whole file, if the server says so."""


def _receive(address: str, partial: Path, timeout: float, progress: bool) -> None:
    """Add to `partial` what it lacks."""
    have = partial.stat().st_size if partial.is_file() else 0
    with _answer(address, have, timeout) as response:
        span = _span(response)
        with (
            partial.open("ab" if span.start else "wb") as file,
            _bar(partial.stem, span, progress) as bar,
        ):
            while chunk := _read(response, timeout):
                file.write(chunk)
                bar.update(len(chunk))
            file.flush()
            os.fsync(file.fileno())
            received = file.tell()
    if span.size is not None and received < span.size:
        raise DownloadError(
            f"the connection broke after {received:,} of {span.size:,} bytes; a second try goes on from there"
        )


def _answer(address: str, have: int, timeout: float) -> HTTPResponse:
    """Ask for the file from byte `have` on; where the server cannot, for all of it."""
    request = Request(address, headers={"User-Agent": "inception-lessons"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with _said_why(timeout):
            response = urlopen(request, timeout=timeout)
    except HTTPError as error:
        if error.code == 416 and have:  # there is nothing from that byte on
            return _answer(address, 0, timeout)
        raise DownloadError(f"the server answered {error.code} {error.reason}") from None
    if response.status == 206 and have and _span(response).start != have:
        response.close()
        return _answer(address, 0, timeout)
    return response


def _span(response: HTTPResponse) -> _Span:
    if response.status == 206:
        told = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        return _Span(int(told[1]), int(told[2])) if told else _Span(0, None)
    size = response.headers.get("Content-Length", "")
    return _Span(0, int(size) if size.isdecimal() else None)


def _bar(name: str, span: _Span, progress: bool) -> tqdm:
    hidden = {} if progress else {"disable": True}  # not disable=False: it would overrule TQDM_DISABLE
    return tqdm(
        total=span.size, initial=span.start, desc=name, unit="B", unit_scale=True, leave=False, **hidden
    )


def _read(response: HTTPResponse, timeout: float) -> bytes:
    with _said_why(timeout):
        return response.read1(_CHUNK)


@contextlib.contextmanager
def _said_why(timeout: float) -> Iterator[None]:
    """Turn what a connection can raise into a `DownloadError`; the server's own refusals pass."""
    try:
        yield
    except HTTPError:
        raise
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise DownloadError(_words(reason, timeout)) from None


def _words(reason: object, timeout: float) -> str:
    if isinstance(reason, TimeoutError):
        return f"the server was silent for {timeout:g} seconds"
    if isinstance(reason, ConnectionRefusedError):
        return "the connection was refused"
    offline = getattr(reason, "errno", None) in (errno.ENETUNREACH, errno.EHOSTUNREACH)
    if offline or isinstance(reason, socket.gaierror):
        return "its server was not found, so this computer seems to be offline"
    if isinstance(reason, IncompleteRead | ConnectionResetError):
        return "the connection broke; a second try goes on from there"
    return " ".join(str(reason).split()) or type(reason).__name__
