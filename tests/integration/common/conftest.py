"""A database of the plumbing alone, topics and consumers of a test's own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.database.migrations import migrate
from deploy.local.kafka import LocalKafka
from deploy.local.postgres import OWNER, LocalPostgres
from libs.common.db.pool import Database
from tests.conftest import Urls, kafka_options

MIGRATIONS = Path(__file__).with_name("migrations")
ROLE = "jianfu_registry"
_names = count(1)


@pytest.fixture
async def empty_database(postgres: LocalPostgres) -> Callable[[], Awaitable[Urls]]:
    """`await empty_database()`: a database that belongs to the migrator and holds nothing yet."""

    async def make(template: str = "template1") -> Urls:
        name = f"common_{next(_names)}"
        conn = await asyncpg.connect(postgres.url())
        try:
            await conn.execute(f"create database {name} template {template} owner {OWNER}")
        finally:
            await conn.close()
        return Urls(postgres.url(name, user=ROLE), postgres.url(name, user=OWNER))

    return make


@pytest.fixture
async def plumbing(postgres: LocalPostgres, empty_database: Any) -> Callable[[], Awaitable[Urls]]:
    """`await plumbing()`: a database with the plumbing's tables and those of these tests."""

    async def make() -> Urls:
        conn = await asyncpg.connect(postgres.url())
        try:
            if not await conn.fetchval("select 1 from pg_database where datname = 'template_common'"):
                await conn.execute(f"create database template_common owner {OWNER}")
                await migrate(postgres.url("template_common", user=OWNER), MIGRATIONS, service_role=ROLE)
        finally:
            await conn.close()
        return await empty_database("template_common")

    return make


@pytest.fixture
async def connect() -> AsyncIterator[Callable[[Urls], Awaitable[Database]]]:
    """`await connect(urls)`: the service's own pool on a database, closed after the test."""
    async with AsyncExitStack() as stack:

        async def make(urls: Urls) -> Database:
            database = await Database.connect(urls.service, name="registry")
            stack.push_async_callback(database.close)
            return database

        yield make


@pytest.fixture
async def store(plumbing: Any, connect: Any) -> Database:
    """A fresh database with the plumbing, open as the service's role."""
    database: Database = await connect(await plumbing())
    return database


@pytest.fixture(scope="session")
def options(kafka: LocalKafka) -> dict[str, Any]:
    """aiokafka's options for a principal that may do everything."""
    return kafka_options(kafka)


@pytest.fixture
async def new_topic(options: dict[str, Any]) -> Callable[..., Awaitable[str]]:
    """`await new_topic(partitions=2, service="s1")`: a topic nobody else uses, with its dead-letter topic.

    With `outside` it is one on which strangers write.
    """

    async def make(partitions: int = 1, service: str = "registry", *, outside: bool = False) -> str:
        name = f"{'jianfu.intake.' if outside else ''}test.{uuid4().hex[:12]}"
        admin = AIOKafkaAdminClient(**options)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, partitions, 1), NewTopic(f"{name}.{service}.dead", 1, 1)])
        finally:
            await admin.close()
        return name

    return make
