"""Nothing calls home: connections are opened for data and weights alone, and by no script of the pages."""

import ast
import re

import pytest
import yaml

NETWORK = {
    "socket",
    "ssl",
    "http",
    "urllib",
    "ftplib",
    "smtplib",
    "asyncio",
    "webbrowser",
    "requests",
    "xmlrpc",
}
PURE = {"urllib.parse"}
"""Of those packages, what only takes addresses apart."""
CALLS = re.compile(
    r"\bfetch\s*\(|XMLHttpRequest|sendBeacon|WebSocket|EventSource|\bRTCPeerConnection|document\.cookie|indexedDB"
    r"|\bnew\s+Image\b|importScripts|navigator\.(?:userAgent|geolocation|connection)"
)


def network_imports(source: str) -> set[str]:
    """The modules for connections that Python code imports, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= (
                {node.module} if node.module in PURE else {f"{node.module}.{one.name}" for one in node.names}
            )
    return {name for name in names if name.split(".")[0] in NETWORK and name not in PURE}


DOWNLOADS = {"inception_lessons/_download.py", "inception_lessons/data.py"}
"""Data sets and weights, when a reader asks for them."""


@pytest.mark.slow
def test_only_the_downloads_open_connections(root):
    found = {
        path.relative_to(root).as_posix(): network_imports(path.read_text(encoding="utf-8"))
        for folder in ("inception_lessons", "book/_ext")
        for path in (root / folder).rglob("*.py")
    }
    assert len(found) > 50
    assert {name for name, imports in found.items() if imports} == DOWNLOADS


def test_no_script_of_the_pages_sends_or_keeps_anything(root):
    places = ("inception_lessons/widgets/static/*.mjs", "book/_static/*.js", "book/_templates/**/*.html")
    scripts = [path for place in places for path in root.glob(place)]
    assert len(scripts) > 12
    calls = {path.name: CALLS.findall(path.read_text(encoding="utf-8")) for path in scripts}
    assert {name: found for name, found in calls.items() if found} == {}


def test_no_analytics_is_configured(root):
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    html, theme = config["html"], config["sphinx"]["config"]["html_theme_options"]
    assert not {"analytics", "google_analytics_id", "comments"} & {*html, *theme, *config["sphinx"]["config"]}
