"""Who is shown hosts, causes and remedies: whoever presents the operator's key, and programs on this machine."""

from __future__ import annotations

import re

from aiohttp import web

from app.server.app_keys import AUTHENTICATOR
from app.server.browser_guard import hosts_of, is_loopback, is_this_machine, read_host, sent_by_browser

# What proxies, tunnels and clouds add: a request that bears one of these was sent from elsewhere. The names are those
# of RFC 7239 and RFC 9110, of nginx's, Apache's, Envoy's and IIS's manuals, and of the clouds' own.
_FORWARDING = re.compile(
    r"via|cdn-loop|(?:cf|fly|fastly|incap|akamai|x-akamai|x-amzn|x-amz-cf|x-appengine|x-arr|x-azure|x-envoy|x-ms|x-nf"
    r"|x-original|x-remote|x-vercel)-.*|.*(?:forwarded|client-?ip|real-?ip|proxy).*|x-host",
    re.IGNORECASE,
)


def is_operator(request: web.Request) -> bool:
    """Whether this request is answered with details. A wrong key is as good as none."""
    headers = request.headers
    if request.app[AUTHENTICATOR].accepts_key(headers.get("Authorization"), headers.get("x-api-key")):
        return True
    return _from_this_machine(request)


def _from_this_machine(request: web.Request) -> bool:
    """Whether a program on this machine asks: no proxy, no browser, and by one of this machine's own names.

    A name of GPT2GIGA_HOSTS is none of them: a proxy on this machine may keep the client's Host and tell nothing else.
    """
    if not is_loopback(request.remote or "") or sent_by_browser(request):
        return False
    if any(_FORWARDING.fullmatch(name) for name in request.headers):
        return False
    return all((host := read_host(text)) is not None and is_this_machine(host) for text in hosts_of(request))
