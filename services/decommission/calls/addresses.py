"""Addresses with braces to be filled, and without secrets. Pure."""

import re
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from libs.common.errors import Unfit
from libs.common.text import Text

# What a query parameter that holds a secret is called, or a word of it.
SECRETS = frozenset(
    {
        "apikey",
        "auth",
        "authorization",
        "credential",
        "credentials",
        "key",
        "passwd",
        "password",
        "pwd",
        "secret",
        "sign",
        "signature",
        "sig",
        "token",
    }
)


def filled(url: str) -> str:
    """An address with something in the place of each of its braces, so that it can be judged and tried."""
    return re.sub(r"\{[^{}]*\}", "jianfu-test", url)


def shown(url: str) -> str:
    """An address as it is read back: what was let in before secrets were refused is not shown."""
    parts = urlsplit(url)
    if not any(_secret(name, value) for name, _, value in _query(parts)):
        return url
    kept = [f"{name}=***" if _secret(name, value) else f"{name}{sign}{value}" for name, sign, value in _query(parts)]
    return urlunsplit(parts._replace(query="&".join(kept)))


def check_secrets(url: str) -> None:
    """Raise Unfit for an address with a password or key in its query: it would be shown, logged and signed."""
    for name, _, value in _query(urlsplit(url)):
        if _secret(name, value):
            en = f"expected an address without a secret in its query ({name}): calls are signed, see Jianfu-Signature"
            raise Unfit(Text(f"地址的查询参数中不得含有密钥({name}):调用均带签名,见 Jianfu-Signature", en))


def _query(parts: SplitResult) -> list[tuple[str, str, str]]:
    return [part.partition("=") for part in parts.query.split("&")]


def _secret(name: str, value: str) -> bool:
    """Whether a query parameter is named like a secret and holds one, and no brace to be filled."""
    words = set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", unquote(name)).lower()))
    return bool(value) and not re.fullmatch(r"\{[^{}]*\}", value) and bool(words & SECRETS)
