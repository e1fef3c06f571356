"""What is append-only stays as it was written."""

import asyncpg
import pytest

from tests.integration.registry.conftest import Registry, declared


async def test_the_service_cannot_rewrite_what_is_append_only(registry: Registry) -> None:
    rows = await registry.database.pool.fetch(
        """select relname from pg_class where relkind = 'r' and obj_description(oid) like 'append-only%'
           and not has_table_privilege(oid, 'update') and not has_table_privilege(oid, 'delete')
           and has_table_privilege(oid, 'insert')"""
    )
    assert {row["relname"] for row in rows} == {
        "asset_versions",
        "imports",
        "import_changes",
        "intake_outcomes",
        "tombstones",
        "reopen_permits",
    }
    await registry.take(declared("a"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await registry.database.pool.execute("delete from asset_versions")
