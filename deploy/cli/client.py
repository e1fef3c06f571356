"""A person's HTTP client of a running stack: addresses, a token for the role at hand, pages, and refusals in words."""

import getpass
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from deploy.local.datadir import state, typed
from deploy.local.keys import Keys
from deploy.terminal import StackError

Address = Annotated[str | None, typer.Option(envvar="JIANFU_ADDRESS", help="of another stack 其他地址")]
Token = Annotated[
    str | None, typer.Option(envvar="JIANFU_TOKEN", help="of whoever asks; else one of the local issuer 令牌")
]
Json = Annotated[bool, typer.Option("--json", help="what the service answered, as JSON 原始应答")]
PAGE = 500  # items that a page may have
WITHIN = 600.0  # seconds; a sweep or an import answers when it is done


@dataclass(frozen=True)
class Desk:
    """Where requests go, and with which token.

    Without `address` and `token` it is the stack of the data directory, and a token of its own issuer in the name of
    whoever is logged in here.
    """

    data: Path
    address: str | None = None
    token: str | None = None

    def ask(self, method: str, path: str, *, role: str, **more: Any) -> httpx.Response:
        """One answer. Raises StackError, with what the service says, where it is a refusal."""
        place = (self.address or str(state(self.data)["address"])).rstrip("/")
        bearer = self.token or Keys(self.data / "keys").token(_somebody(), [role], hours=0.2)
        headers = {"Authorization": f"Bearer {bearer}"} | more.pop("headers", {})
        try:
            with httpx.Client(timeout=httpx.Timeout(WITHIN, connect=10), trust_env=False) as client:
                reply = client.request(method, f"{place}{path}", headers=headers, **more)
        except httpx.HTTPError as error:
            raise StackError(f"{place} does not answer: {type(error).__name__}") from None
        if reply.is_error:
            raise StackError(_refusal(reply))
        return reply

    def typed(self, command: str, **options: str | None) -> str:
        """A command as a hint names it, for this very stack; a token is not repeated."""
        return typed(command, self.data, address=self.address, **options)

    def get(self, path: str, *, role: str = "viewer", **params: Any) -> Any:
        """One answer's content; a parameter that is None is not sent."""
        asked = {name: value for name, value in params.items() if value is not None}
        return self.ask("GET", path, role=role, params=asked).json()

    def pages(self, path: str, *, role: str = "viewer", most: int = PAGE, **params: Any) -> Iterator[dict[str, Any]]:
        """All items of a list, page by page; a page has as many as are wanted at `most`."""
        cursor: str | None = None
        while True:
            page = self.get(path, role=role, cursor=cursor, limit=min(most, PAGE), **params)
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return


def _somebody() -> str:
    """Whoever is logged in here; an account without a name is `developer`."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "developer"


def _refusal(reply: httpx.Response) -> str:
    """What a service says no with: both texts, and the fields at fault."""
    try:
        told = reply.json()
        texts = f"{told['texts']['en']} {told['texts']['zh']}"
        faults = [f"{fault['field']}: {fault['accepted']}" for fault in told["errors"] if fault["accepted"]]
    except (ValueError, KeyError, TypeError):
        return f"{reply.status_code} {reply.text[:2000]}"
    return "; ".join([f"{reply.status_code} {texts}", *faults])
