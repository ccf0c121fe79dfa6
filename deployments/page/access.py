"""Who may see the page and who may change something: checked for each request before anything else is.

Law: on loopback a request must name loopback as its host, so that no other site's name can be pointed here (DNS
rebinding). With a token, a request must show it: once in the address, which gives a cookie that scripts cannot read,
or as a bearer. A change must come from the page itself. No answer is kept by a cache, framed by another site, or runs
a script that is not a file of ours.
"""

from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from secrets import token_urlsafe
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "gleaner_page"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
READS = ("GET", "HEAD")
_ALWAYS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Access(Struct, frozen=True):
    """`token`: None where the page listens on loopback alone and asks for none; `form`: in every form of ours."""

    token: str | None
    form: str

    @staticmethod
    def new(*, with_token: bool) -> "Access":
        """Both drawn anew, 256 bits each."""
        return Access(token_urlsafe(32) if with_token else None, token_urlsafe(32))

    def refused(self, headers: Headers, method: str) -> str | None:
        """Why a request is refused; None if it is not."""
        host = headers.get("host", "")
        if self.token is None and _name(host) not in LOOPBACK:
            return "this page answers to 127.0.0.1 and localhost alone"
        if self.token is not None and not self._shows_token(headers):
            return "open the address that `gleaner page` printed: its token is missing here, or is another page's"
        if method in READS:
            return None
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if site not in (None, "same-origin") or (origin is not None and urlsplit(origin).netloc != host):
            return "a change must come from this page"
        return None

    def is_form(self, given: str) -> bool:
        """Whether a form of ours was sent."""
        return compare_digest(given.encode(), self.form.encode())

    def is_token(self, given: str) -> bool:
        """Whether this is the token."""
        return self.token is not None and compare_digest(given.encode(), self.token.encode())

    def _shows_token(self, headers: Headers) -> bool:
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self.is_token(given.strip())
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return found is not None and self.is_token(found.value)


class Door:
    """In front of the application: refuses, lets in by a token in the address, and sets the headers of every answer."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # there is neither a websocket nor anything to be done at the start

        async def safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_ALWAYS)
            await send(message)

        answer = self._answer(scope)
        await (self._app if answer is None else answer)(scope, receive, safe)

    def _answer(self, scope: Scope) -> Response | None:
        """The whole answer, unless the application is to give it."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if given and scope["method"] in READS and self._access.is_token(given):
            response = RedirectResponse("/", status_code=303)
            response.set_cookie(COOKIE, given, httponly=True, samesite="strict")
            return response
        refused = self._access.refused(Headers(scope=scope), scope["method"])
        return None if refused is None else PlainTextResponse(refused + "\n", status_code=403)


def _name(host: str) -> str | None:
    """The name in a Host header, without its port, which a tunnel may change."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
