"""Serves the built pages on this machine only: python tools/serve.py [port]."""

import functools
import http.server
import sys
from pathlib import Path

BUILD = Path(__file__).resolve().parent.parent / "_build"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of the site, with the type that browsers want for modules and fonts."""

    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript",
        ".js": "text/javascript",
        ".woff": "font/woff",
        ".svg": "image/svg+xml",
    }


def server(site: Path, port: int, handler: type[Handler] = Handler) -> http.server.ThreadingHTTPServer:
    """A server of the site's files on 127.0.0.1; port 0 takes a free one."""
    return http.server.ThreadingHTTPServer(
        ("127.0.0.1", port), functools.partial(handler, directory=str(site))
    )


def main(arguments: list[str]) -> int:
    """Serves until interrupted; returns the exit status."""
    if not (BUILD / "html" / "index.html").exists():
        print("There are no pages in _build/html yet; run: make book", file=sys.stderr)
        return 1
    if (BUILD / ".unfinished").exists():
        print("Careful: the last make book failed, these pages may be old or incomplete.", file=sys.stderr)
    text = arguments[0] if arguments else "8000"
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        print(f"PORT must be a number from 0 to 65535, got {text}", file=sys.stderr)
        return 1
    try:
        serving = server(BUILD / "html", int(text))
    except OSError as reason:
        print(
            f"Port {text} cannot be used ({reason.strerror}); choose another: make serve PORT=8001",
            file=sys.stderr,
        )
        return 1
    print(f"The book is at http://127.0.0.1:{serving.server_port}/ (Ctrl-C ends it)", flush=True)
    try:
        serving.serve_forever()
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
