"""Commands that prepare: fetch the jars, migrate databases, apply topics."""

import asyncio
import os
from typing import Annotated

import typer

from deploy import topics
from deploy.local import jars
from deploy.local.children import StackError, say
from deploy.local.outside import Outside
from deploy.local.schema import migrate_service
from libs.common.settings import SERVICES


def fetch() -> None:
    """Fetch Kafka's jars once and check each against the committed lock. 获取并核验 Kafka。"""
    say(f"{len(jars.fetch())} jars are as the lock names them")


def migrate(
    role: Annotated[bool, typer.Option(help="grant the role jianfu_<service> what its service needs")] = False,
) -> None:
    """Apply migrations to the databases in JIANFU_<SERVICE>_MIGRATOR_DATABASE_URL. 迁移数据库。"""
    named = {
        service: os.environ[f"JIANFU_{service.upper()}_MIGRATOR_DATABASE_URL"]
        for service in SERVICES
        if f"JIANFU_{service.upper()}_MIGRATOR_DATABASE_URL" in os.environ
    } or Outside.read(os.environ).databases
    if not named:
        raise StackError("set JIANFU_REGISTRY_MIGRATOR_DATABASE_URL (and _MONITOR_, _DECOMMISSION_) first")
    for service, url in named.items():
        applied = asyncio.run(migrate_service(service, url, f"jianfu_{service}" if role else None))
        say(f"{service}: {', '.join(applied) or 'up to date'}")


def apply_topics(
    acls: Annotated[bool, typer.Option(help="also grant the principals of topics.yaml")] = True,
    partitions: Annotated[int | None, typer.Option(help="partitions per topic, instead of topics.yaml's")] = None,
) -> None:
    """Create the topics and access lists on KAFKA_BOOTSTRAP_SERVERS. 建立主题与权限。"""
    outside = Outside.read(os.environ)
    if outside.kafka is None:
        raise StackError("set KAFKA_BOOTSTRAP_SERVERS first (and JIANFU_KAFKA_USERNAME, JIANFU_KAFKA_PASSWORD_FILE)")
    client = topics.admin(outside.kafka, outside.kafka_username, outside.password())
    created = topics.apply(client, topics.wanted(partitions=partitions), acls=acls)
    say(", ".join(created) or "all topics are in place")


def add(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    app.command()(fetch)
    app.command()(migrate)
    app.command("topics")(apply_topics)
