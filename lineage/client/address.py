# SPDX-License-Identifier: Apache-2.0
"""Parses the address of a server, and opens connections to it, through proxies of the environment."""

from __future__ import annotations

import ssl
import warnings
from base64 import b64encode
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from ipaddress import ip_address
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from lineage.errors import Usage

#: Schemes of servers, with their usual ports.
_PORTS = {"http": 80, "https": 443}
_ENDPOINT = "/graphql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A server's address, taken apart; ``str`` gives it back without anything secret."""

    scheme: str
    host: str
    port: int
    path: str
    token: str | None = field(repr=False)

    def __str__(self) -> str:
        return urlunsplit((self.scheme, self._place, self.path.removesuffix(_ENDPOINT), "", ""))

    @property
    def _place(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def connection(self, timeout: float) -> tuple[HTTPConnection, str, dict[str, str]]:
        """Make a connection that is not open yet, with the target and headers of requests on it.

        Certificates are verified against those that the system trusts (``SSL_CERT_FILE``).
        """
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        proxy = None if _is_loopback(self.host) else self._proxy()
        near = (self.host, self.port) if proxy is None else (proxy.hostname or "", proxy.port or 80)
        if self.scheme == "https":
            secure = HTTPSConnection(*near, timeout=timeout, context=ssl.create_default_context())
            if proxy is not None:
                secure.set_tunnel(self.host, self.port, _credentials(proxy))
            return secure, self.path, headers
        plain = HTTPConnection(*near, timeout=timeout)
        if proxy is None:
            return plain, self.path, headers
        return plain, f"http://{self._place}{self.path}", {**headers, **_credentials(proxy)}

    def _proxy(self) -> SplitResult | None:
        """The proxy that the environment names for this host (``https_proxy``, ``no_proxy``)."""
        named = getproxies()
        given = named.get(self.scheme) or named.get("all")
        if not given or proxy_bypass(self._place):
            return None
        proxy = urlsplit(given if "://" in given else f"http://{given}")
        if proxy.scheme != "http" or not proxy.hostname:
            raise Usage(
                f"the environment names a proxy of the scheme {proxy.scheme!r}",
                hint="Only http:// proxies are spoken to; no_proxy takes a host out.",
            )
        return proxy


def address(url: str, token: str | None) -> Address:
    """Parse the address of a server, with the token to send there.

    Raises ``Usage`` for one that names no host or carries more than a path, and for a token with
    signs that no header may hold. Warns where a token would go over a network unencrypted.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError) as error:
        raise Usage("the address of the server is none", hint=_HINT) from error
    if not host or any(sign.isspace() for sign in host):
        raise Usage(f"{parts.scheme}:// names no server", hint=_HINT)
    if parts.username is not None or parts.query or parts.fragment:
        what = "credentials" if parts.username is not None else "a query"
        raise Usage(
            f"the address of {host} carries {what}", hint="Give a token in LINEAGE_TOKEN instead."
        )
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise Usage("the token holds signs that no token has", hint="Copy it again, whole.")
    if token and parts.scheme == "http" and not _is_loopback(host):
        warnings.warn(
            f"the token goes to {host} unencrypted: anybody on the way may read it; use https://",
            stacklevel=4,
        )
    path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
    path = path if path.endswith(_ENDPOINT) else path + _ENDPOINT
    return Address(scheme=parts.scheme, host=host, port=port, path=path, token=token or None)


_HINT = "Write https://host or http://127.0.0.1:8000."


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
