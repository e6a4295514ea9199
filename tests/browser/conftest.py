"""A real browser that sees the built pages and nothing else: every request to another host is stopped and
fails the test."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.browser.bare import Visit
from tools import browser as browsers
from tools import serve

POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
    ]
)
"""A content security policy: the pages' own origin and what stands in the pages themselves."""


class Quiet(serve.Handler):
    """The site's server without a line for each request, under a strict policy."""

    def end_headers(self):
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="session")
def site(html: Path) -> Iterator[str]:
    """The address of the built pages, served from this machine; without a slash at the end."""
    server = serve.server(html, 0, Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, headless, started once."""
    path = browsers.prepare()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, headless=True, args=list(browsers.FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own; when the test ends, a foreign request, console error or exception fails it."""
    complaints: list[str] = []

    def guard(route: Route) -> None:
        address = urlsplit(route.request.url)
        if address.hostname in (None, "127.0.0.1", "localhost"):
            route.continue_()
        else:
            complaints.append(f"request to another host: {route.request.url}")
            route.abort()

    context = browser.new_context(viewport={"width": 1280, "height": 900}, service_workers="block")
    context.route("**/*", guard)
    context.on(
        "console",
        lambda message: complaints.append(f"console: {message.text}") if message.type == "error" else None,
    )
    context.on("weberror", lambda error: complaints.append(f"exception: {error.error}"))
    yield context.new_page()
    context.close()
    if complaints:
        pytest.fail("\n".join(dict.fromkeys(complaints)), pytrace=False)


class QuietFolder(SimpleHTTPRequestHandler):
    """Serves a folder without a line for each request."""

    def log_message(self, format, *args):
        pass


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Visit]:
    """Open a page with the given HTML; a request beside the page, an error or an exception fails the test."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietFolder, directory=tmp_path))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    contexts, complaints = [], []

    def open_page(*bodies: str, attributes: str = "", over: str = "file", **options) -> Page:
        file = tmp_path / "page.html"
        file.write_text(
            f'<!doctype html><html lang="en" {attributes}><head><meta charset="utf-8"><title>Widgets</title>'
            '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"></head>'
            '<body style="margin: 0 16px; font-family: DejaVu Sans, Verdana, sans-serif">'  # wide letters
            f"{''.join(bodies)}</body></html>",
            encoding="utf-8",
        )
        address = file.as_uri() if over == "file" else f"http://127.0.0.1:{server.server_port}/page.html"
        context = browser.new_context(**options)
        contexts.append(context)
        context.on(
            "request", lambda request: request.url != address and complaints.append(f"request: {request.url}")
        )
        context.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        page = context.new_page()
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    server.shutdown()
    thread.join()
    server.server_close()
    assert not complaints, "\n".join(complaints)
