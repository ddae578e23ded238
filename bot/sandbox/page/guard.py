"""Who may ask the page for anything: this machine's own browser, on pages of this very server.

The page can press buttons, so no other site may make a browser press them: a request has to name this server as its
host (which keeps out names that were made to point here), and one that changes something has to come from a page of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

Handler = Callable[[Request], Response | Awaitable[Response]]

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NAMES: Final = ("127.0.0.1", "localhost")


def refusal(request: Request) -> str:
    """Why this request is not answered, '' when it is."""
    port = request.scope["server"][1]
    hosts = {f"{name}:{port}" for name in NAMES}
    if request.headers.get("host", "").lower() not in hosts:
        return f"This page is at http://127.0.0.1:{port} only."
    if request.method in ("GET", "HEAD"):
        return ""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return "That came from another site's page."
    origin = request.headers.get("origin")
    if origin is None or origin.lower() not in {f"http://{host}" for host in hosts}:
        return "That did not come from this page."
    return ""


def guarded(request: Request) -> Response | None:
    why = refusal(request)
    return PlainTextResponse(f"{why}\n", 403, headers=HEADERS) if why else None
