"""What every type of connector states: where its platform's assets are looked for, and whether it honours keys."""

from string import Formatter
from typing import Any

from pydantic import field_validator

from libs.common.errors import Unfit
from libs.common.exact import Flag
from libs.common.http.bodies import Body
from libs.common.text import Text
from services.decommission.calls import client
from services.decommission.calls.schemas import Url


class ConnectorBody(Body):
    """The fields of every connector; a type adds its own, and a `type` of its own name."""

    probe_url: Url
    honours_keys: Flag

    async def judge(self, tools: Any) -> None:
        """Raise Invalid for an address that the door for outgoing calls would refuse; a type judges its own first."""
        await client.judge(tools.egress, "probe_url", self.probe_url, client.PROBE)

    @field_validator("probe_url")
    @classmethod
    def _template(cls, text: str) -> str:
        parts = [part[1:] for part in Formatter().parse(text) if part[1] is not None]
        names = {name for name, *_ in parts}
        if not names <= {"platform", "identity", "asset_id"} or any(spec or turned for _, spec, turned in parts):
            en = "only {platform}, {identity} and {asset_id} may stand in braces"
            raise Unfit(Text("花括号内只能是 {platform}、{identity} 或 {asset_id}", en))
        if not names & {"identity", "asset_id"}:
            en = "{identity} or {asset_id} must be in it: a look at another page proves nothing"
            raise Unfit(Text("须含有 {identity} 或 {asset_id}:查看其他页面什么也证明不了", en))
        return text
