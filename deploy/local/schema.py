"""Bringing the services' databases to the schema this code knows."""

from datetime import datetime, tzinfo

import asyncpg

from deploy.database.migrations import migrate
from deploy.local.supervised import ROOT
from deploy.terminal import StackError
from libs.common.db.pool import Database
from libs.common.db.queries import PLUMBING
from libs.common.db.schema import SchemaMismatch, require_schema
from libs.common.process import latest

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.CannotConnectNowError,
    asyncpg.ClientConfigurationError,
)


async def migrate_service(service: str, url: str, role: str | None) -> list[str]:
    """Apply what is missing and return its names; `role` is granted what the service needs.

    Raises StackError that says which setting to look at. A role that may not change the schema is enough where
    nothing is missing.
    """
    prefix = f"JIANFU_{service.upper()}"
    migrations = ROOT / "services" / service / "migrations"
    try:
        return await migrate(url, migrations, service_role=role)
    except asyncpg.InsufficientPrivilegeError as error:
        if await _current(service, url):
            return []
        raise StackError(
            f"{service}: the database needs a migration, which this role may not do ({error}). "
            f"Set {prefix}_MIGRATOR_DATABASE_URL to the owner's, or run `jianfu migrate` there"
        ) from None
    except asyncpg.UndefinedObjectError as error:
        raise StackError(f"{service}: {error}; create the role of {prefix}_DATABASE_URL first") from None
    except SchemaMismatch as error:
        raise StackError(f"{service}: {error}") from None
    except asyncpg.LockNotAvailableError:
        raise StackError(
            f"{service}: a table to be changed is in use by something that does not let go; nothing was changed. "
            "End what uses the database, then try again"
        ) from None
    except AWAY as error:
        raise StackError(f"{service}: its database does not let us in ({error}); check {prefix}_DATABASE_URL") from None


async def reached(service: str, url: str, zone: tzinfo) -> datetime | None:
    """The latest business time of a service's database; None where nothing has happened yet."""
    database = await Database.connect(url, name="migrate", size=1)
    try:
        async with database.reading() as conn:
            return await latest.business_time(conn, ROOT / "services" / service, zone)
    finally:
        await database.close()


async def step(url: str, instant: datetime) -> None:
    """Let a service's stepped clock stand at an instant at least."""
    database = await Database.connect(url, name="migrate", size=1)
    try:
        async with database.transaction("step_clock") as conn:
            await PLUMBING.clock_write(conn, instant=instant)
    finally:
        await database.close()


async def _current(service: str, url: str) -> bool:
    database = await Database.connect(url, name="migrate", size=1)
    try:
        await require_schema(database, ROOT / "services" / service / "migrations")
    except (SchemaMismatch, asyncpg.InsufficientPrivilegeError):
        return False
    finally:
        await database.close()
    return True
