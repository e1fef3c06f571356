"""Commands that prepare: fetch the jars, migrate databases, apply topics."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from deploy.kafka import topics
from deploy.local import datadir, departments, jars
from deploy.local.datadir import HERE, Data
from deploy.local.external import Outside
from deploy.local.schema import migrate_service
from deploy.terminal import StackError, say
from services import SERVICES


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
    shared: Annotated[bool, typer.Option(help="also let in the one shared principal `intake`, for a trial")] = False,
) -> None:
    """Create the topics and access lists on KAFKA_BOOTSTRAP_SERVERS. 建立主题与权限。"""
    outside = Outside.read(os.environ)
    if outside.kafka is None:
        raise StackError("set KAFKA_BOOTSTRAP_SERVERS first (and JIANFU_KAFKA_USERNAME, JIANFU_KAFKA_PASSWORD_FILE)")
    client = topics.admin(outside.kafka, outside.kafka_username, outside.password())
    created = topics.apply(client, topics.wanted(partitions=partitions, shared=shared), acls=acls)
    say(", ".join(created) or "all topics are in place")


def department(
    name: Annotated[str, typer.Argument(help="the department, in Latin letters 部门")],
    data: Data = HERE,
    bytes_per_second: Annotated[int, typer.Option(min=1024, help="that it may write, per broker 每秒字节")] = 1 << 20,
    request_percent: Annotated[
        int, typer.Option(min=1, max=1000, help="of one request thread's time, per broker 请求时间百分比")
    ] = 25,
    remove: Annotated[bool, typer.Option("--remove", help="take all of it back 撤销")] = False,
) -> None:
    """Give a department a principal of its own to write the intake with. 为部门设立 Kafka 身份与配额。

    On KAFKA_BOOTSTRAP_SERVERS as JIANFU_KAFKA_USERNAME, who must be an administrator, else on the stack that runs on
    the data directory. Doing it again changes what differs and keeps the password.
    """
    user, broker = departments.principal(name), _broker(data)
    with datadir.turn(data, f"jianfu setup department {name}"):
        _department(broker, user, data, departments.Quota(bytes_per_second, request_percent), remove=remove)


def _department(broker: departments.Broker, user: str, data: Path, quota: departments.Quota, *, remove: bool) -> None:
    file = data / "departments" / f"{user}.password"
    if remove:
        departments.remove(broker, user, file)
        say(f"{user} writes no more")
        return
    departments.set_up(broker, user, file, quota)
    told = {
        "bootstrap.servers": broker.bootstrap,
        "security.protocol": "SASL_PLAINTEXT on loopback, SASL_SSL everywhere else",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": f"in {file.resolve()}",
        "client.id": user,
        "topics": ", ".join(departments.INTAKE),
        "quota": f"{quota.bytes_per_second:,} bytes per second, {quota.request_percent} % of a request thread, "
        "per broker",
    }
    print("\n".join(f"{name + ':':20}{value}" for name, value in told.items()))


def _broker(data: Path) -> departments.Broker:
    outside = Outside.read(os.environ)
    if outside.kafka is not None:
        return departments.Broker(outside.kafka, outside.kafka_username, outside.password())
    found = datadir.state(data)["kafka"]
    if "password_files" not in found:
        raise StackError("this stack uses a Kafka of your own: set KAFKA_BOOTSTRAP_SERVERS, and who administers it")
    password = Path(found["password_files"]["admin"]).read_text().strip()
    return departments.Broker(found["bootstrap_servers"], "admin", password)


def add(app: typer.Typer) -> None:
    """Put these commands beside the others."""
    app.command()(fetch)
    app.command()(migrate)
    app.command("topics")(apply_topics)
    setup = typer.Typer(no_args_is_help=True, help="Set up who takes part. 设立参与方。")
    setup.callback()(lambda: None)  # one command below it is a command all the same
    setup.command()(department)
    app.add_typer(setup, name="setup")
