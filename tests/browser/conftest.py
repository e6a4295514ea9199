"""A real browser that sees the built pages and nothing else: every request to another host is stopped and
fails the test."""

import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tools import browser as browsers
from tools import serve


class Quiet(serve.Handler):
    """The site's server without a line for each request."""

    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="session")
def site(html: Path) -> Iterator[str]:
    """The address of the built pages, served from this machine; without a slash at the end."""
    server = serve.server(html, 0, Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
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
