"""The AsyncAPI 3 document of all topics, made from what they are: `topics.yaml`, the events' models, records of usage.

`python -m deploy.kafka.asyncapi` prints it. What the services and the gateway serve under `/asyncapi.json` is the file
that `python -m tests.contract.update asyncapi` writes of it; a test holds that the two are one.
"""

import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from deploy.kafka.topics import Topic, wanted
from libs.common import events
from libs.common.events.envelope import Event, from_outside
from libs.common.events.intake import SourceStated
from services import SERVICES
from services.monitor.usage.fold import Beacon
from services.monitor.usage.handlers import TOPIC as USAGE

Part = dict[str, Any]
SCHEMAS = "#/components/schemas/{model}"
ABOUT = """政务应用、公众账号、工作群组的登记、监测与关停:全部 Kafka 主题及其消息。

All Kafka topics of Jianfu and what travels on them. Departments write the three topics `jianfu.intake.*`, each with a
principal of its own and a token in the header `authorization` of every record; the others are written by the services.
Events are CloudEvents 1.0. Their headers are shown in binary mode; in structured mode the same attributes stand beside
`data` in the record's value, whose content-type is then `application/cloudevents+json`."""
WORDS = {
    "jianfu.intake.lifecycle": "对象的申报、更正与下架 what units' systems tell of their assets",
    "jianfu.intake.usage": "使用量 counts of use, which are no CloudEvents: one JSON object for each record",
    "jianfu.intake.sources": "来源的每日申报 what a source vouches for, day by day",
    "jianfu.registry": "登记簿 the register: every record carries the whole of an asset and its version",
    "jianfu.registry.units": "单位 units with their codes, names and parents",
    "jianfu.monitor": "发现与复核 findings, and answers to rechecks",
    "jianfu.decommission": "个案进展 what becomes of cases, and questions for a recheck",
}
TEXT: Part = {"type": "string"}
BEARER = {"authorization": "Bearer …"}
TOKEN: Part = {"type": "string", "description": "Bearer and a token; its claims say for whom it speaks 令牌"}


def document() -> Part:
    """The whole document; the same each time."""
    classes = {cls.TYPE: cls for cls in _events()}
    messages = {name: _message(cls) for name, cls in classes.items()} | {"usage": _usage(), "dead-letter": _letter()}
    channels, operations = {}, {}
    for topic in wanted(shared=False):
        names = _names(topic, classes)
        channels[topic.name] = _channel(topic, names)
        for which, service in _parties(topic):
            operations[f"{service}.{which}.{topic.name}"] = _operation(topic, which, service, names)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Jianfu 减负",
            "version": "1.0.0",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": _schemas(classes),
            "securitySchemes": {
                "department": {
                    "type": "scramSha512",
                    "description": "The department's own Kafka principal 部门的 Kafka 身份",
                }
            },
        },
    }


def served() -> str:
    """The document's text, as it is kept."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


def _events() -> list[type[Event]]:
    """Every event of the published language, by its type."""
    found = {}
    for module in pkgutil.iter_modules(events.__path__):
        for _, cls in inspect.getmembers(importlib.import_module(f"{events.__name__}.{module.name}"), inspect.isclass):
            if issubclass(cls, Event) and "TYPE" in cls.__dict__:
                found[cls.TYPE] = cls
    return [found[kind] for kind in sorted(found)]


def _names(topic: Topic, classes: dict[str, type[Event]]) -> list[str]:
    """The messages of a topic, by their names."""
    if topic.name.endswith(".dead"):
        return ["dead-letter"]
    return ["usage"] if topic.name == USAGE else [name for name, cls in classes.items() if topic.name == cls.TOPIC]


def _channel(topic: Topic, names: list[str]) -> Part:
    config = topic.config()
    kept: Part = {"cleanup.policy": [config["cleanup.policy"]]}
    for name in ("retention.ms", "max.message.bytes"):
        kept |= {name: int(config[name])} if name in config else {}
    original = topic.name.removesuffix(".dead").rpartition(".")
    words = (
        WORDS.get(topic.name) or f"{original[2]} 拒收的 {original[0]} 记录 what {original[2]} refused of {original[0]}"
    )
    return {
        "address": topic.name,
        "description": words,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": kept,
                "bindingVersion": "0.5.0",
            }
        },
    }


def _parties(topic: Topic) -> Iterator[tuple[str, str]]:
    for service in SERVICES:
        if service in topic.writers:
            yield "sends", service
        if service in topic.readers and not topic.name.endswith(".dead"):
            yield "receives", service


def _operation(topic: Topic, which: str, service: str, names: list[str]) -> Part:
    channel = f"#/channels/{topic.name}"
    said: Part = {
        "action": which.removesuffix("s"),
        "channel": {"$ref": channel},
        "title": f"{service} {which} {topic.name}",
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in names],
    }
    outside = from_outside(topic.name) and which == "receives"
    return said | ({"security": [{"$ref": "#/components/securitySchemes/department"}]} if outside else {})


def _message(cls: type[Event]) -> Part:
    outside = from_outside(cls.TOPIC)
    return {
        "name": cls.TYPE,
        "title": cls.TYPE,
        "summary": " ".join((inspect.getdoc(cls) or "").partition("\n\n")[0].split()),
        "contentType": "application/json",
        "headers": _headers(cls, outside=outside),
        "payload": {"$ref": SCHEMAS.format(model=cls.__name__)},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"the value of `{cls.KEY}`"},
                "bindingVersion": "0.5.0",
            }
        },
    } | ({"examples": _examples(cls)} if outside else {})


def _headers(cls: type[Event], *, outside: bool) -> Part:
    """Those of binary mode; who is outside may leave out what his data says."""
    known: Part = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": TEXT | {"maxLength": 200, "description": "with ce_source: the same again is the same event 事件编号"},
        "ce_source": TEXT | {"maxLength": 200},
        "ce_type": {"const": cls.TYPE},
        "ce_subject": TEXT | {"maxLength": 2000, "description": f"the value of `{cls.SUBJECT}`"},
        "ce_time": TEXT | {"format": "date-time"},
        "content-type": {"const": "application/json"},
        "traceparent": TEXT,
    }
    needed = ["ce_specversion", "ce_id", "ce_source", "ce_type"]
    if outside:
        return {
            "type": "object",
            "properties": known | {"authorization": TOKEN},
            "required": [*needed, "authorization"],
        }
    ours = {"ce_dataschema": {"const": f"urn:jianfu:schema:{cls.TYPE}"}, "ce_sequence": TEXT | {"pattern": "^[0-9]+$"}}
    return {"type": "object", "properties": known | ours, "required": [*needed, "ce_subject", "ce_time", "ce_sequence"]}


def _usage() -> Part:
    records = _shown("monitor", "POST /monitor/v1/usage", "records")
    return {
        "name": "usage",
        "title": "usage",
        "summary": " ".join((Beacon.__doc__ or "").split()),
        "contentType": "application/json",
        "headers": {"type": "object", "properties": {"authorization": TOKEN}, "required": ["authorization"]},
        "payload": {"$ref": SCHEMAS.format(model="Beacon")},
        "examples": [{"headers": BEARER, "payload": record} for record in records],
    }


def _letter() -> Part:
    told = dict.fromkeys(("dead_code", "dead_reason", "dead_origin", "dead_truncated"), TEXT)
    return {
        "name": "dead-letter",
        "title": "dead letter",
        "summary": "A record as it came, with the reason for which it was refused 死信",
        "headers": {"type": "object", "properties": told, "required": ["dead_code", "dead_reason", "dead_origin"]},
        "payload": {"description": "the value of the record, whatever it is"},
    }


def _schemas(classes: dict[str, type[Event]]) -> Part:
    found: Part = {}
    for cls in classes.values():
        schema = cls.model_json_schema(ref_template=SCHEMAS)
        found |= schema.pop("$defs", {}) | {cls.__name__: schema}
    _, beacon = msgspec.json.schema_components([Beacon], ref_template="#/components/schemas/{name}")
    return dict(sorted((found | beacon).items()))


def _examples(cls: type[Event]) -> list[Part]:
    """What the services' documents show of the same thing over HTTP."""
    if cls is SourceStated:
        data = _shown("monitor", "POST /monitor/v1/statements")
        number = f"{data['source']}/{data['day']}/{data['revision']}"
        event = {"specversion": "1.0", "id": number, "source": f"/{data['source']}", "type": cls.TYPE, "data": data}
    else:
        batch = _shown("registry", "POST /registry/v1/events", media="application/cloudevents-batch+json")
        told = {each["type"]: each for each in batch} | {"asset.corrected": batch[0] | {"type": "asset.corrected"}}
        event = told[cls.TYPE]
    headers = {f"ce_{name}": event[name] for name in ("specversion", "id", "source", "type")}
    return [{"headers": headers | BEARER, "payload": event["data"]}]


def _shown(service: str, operation: str, field: str | None = None, *, media: str = "application/json") -> Any:
    file = Path(__file__).parents[2] / "services" / service / "examples.yaml"
    shown = yaml.safe_load(file.read_text("utf-8"))["operations"][operation]["sent"][media]
    if field is None:
        return shown
    return [{"source": shown["source"]} | record for record in shown[field]]


if __name__ == "__main__":
    print(served(), end="")
