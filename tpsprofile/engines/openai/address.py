"""Where a server is: its address as people write it, and how far away that is."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from tpsprofile.errors import UsageError
from tpsprofile.records import Record

DEFAULT = "http://127.0.0.1:8080"
"""Where llama-server and mlx_lm.server listen unless told otherwise."""
SERVICES = (
    "ai.azure.com",
    "anthropic.com",
    "cerebras.ai",
    "cohere.ai",
    "cohere.com",
    "deepinfra.com",
    "deepseek.com",
    "fireworks.ai",
    "googleapis.com",
    "groq.com",
    "huggingface.co",
    "hyperbolic.xyz",
    "mistral.ai",
    "nebius.com",
    "novita.ai",
    "nvidia.com",
    "ollama.com",
    "openai.azure.com",
    "openai.com",
    "openrouter.ai",
    "perplexity.ai",
    "sambanova.ai",
    "together.ai",
    "together.xyz",
    "x.ai",
)
"""Services of others, by the end of their host's name."""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not listened on
_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"),
    )
)
_HOME_NAME = re.compile(r"[a-z][a-z0-9_-]*|[a-z0-9_.-]+\.(local|lan|internal|home\.arpa)", re.IGNORECASE)
_VERSION_PART = re.compile(r"/v\d\w*(?=/|$)")
_ADVICE = "Write it as http://host:port or https://host/v1."


class Address(Record, frozen=True, kw_only=True):
    """A server's address, taken apart."""

    root: str
    """``http://host:port``, and the path above ``/v1`` where there is one."""
    api: str
    """Where OpenAI's routes are: usually the root and ``/v1``."""
    host: str
    port: int
    encrypted: bool

    @property
    def local(self) -> bool:
        """On this computer, as far as the address tells."""
        return self.host == "localhost" or self.host.endswith(".localhost") or _is(self.host, loopback=True)

    @property
    def at_home(self) -> bool:
        """On this computer or in its own network: an address of those kept for that, or a name of no other."""
        return self.local or _is(self.host, loopback=False) or bool(_HOME_NAME.fullmatch(self.host))

    @property
    def service(self) -> bool:
        """A well-known service of somebody else's."""
        return self.service_name is not None

    @property
    def service_name(self) -> str | None:
        """Which service, without the part of the host that may be a customer's own; None for any other server."""
        matching = (name for name in SERVICES if self.host == name or self.host.endswith(f".{name}"))
        return next(matching, None)

    @property
    def keeps_secrets(self) -> bool:
        """A key may be sent there: nobody between can read it who is not at home."""
        return self.encrypted or self.at_home

    def url(self, route: str) -> str:
        """The address of a route: ``/v1/...`` is where OpenAI's routes are, any other is the server's own."""
        return self.api + route.removeprefix("/v1") if route.startswith("/v1/") else self.root + route


def parse(server: str | None) -> Address:
    """The address that a user means; ``/v1`` is added where the path has no version in it.

    Raises UsageError, which does not quote it, for what is no address and for one with a name, a password, a query
    or a fragment in it: keys stand in such places.
    """
    written = (server or DEFAULT).strip()
    try:
        parts = urlsplit(written if "://" in written else f"http://{written}")
        port, host = parts.port, (parts.hostname or "").rstrip(".")
        host.encode("idna" if ":" not in host else "ascii")
    except ValueError:
        raise UsageError("The server's address cannot be read.", _ADVICE) from None
    if parts.scheme not in {"http", "https"} or not host or re.search(r"[\s%]", host):
        raise UsageError("The server's address cannot be read.", _ADVICE)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError(
            "A server's address holds no password, key or query.",
            "Put the key into an environment variable and name that: --key-env NAME.",
        )
    return _address(parts, _EVERYWHERE.get(host, host), port)


def _address(parts: SplitResult, host: str, port: int | None) -> Address:
    path = re.sub(r"/+", "/", parts.path).rstrip("/")
    shown = f"[{host}]" if ":" in host else host
    base = f"{parts.scheme}://{shown}{f':{port}' if port else ''}"
    version = _VERSION_PART.search(path)
    return Address(
        root=base + (path[: version.start()] if version else path),
        api=base + (path if version else f"{path}/v1"),
        host=host,
        port=port or {"https": 443}.get(parts.scheme, 80),
        encrypted=parts.scheme == "https",
    )


def _is(host: str, *, loopback: bool) -> bool:
    """Whether it is a number of this computer, or else of its own network. A name is neither."""
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(number, ipaddress.IPv6Address) and number.ipv4_mapped:
        number = number.ipv4_mapped
    return number.is_loopback if loopback else any(number in network for network in _PRIVATE)
