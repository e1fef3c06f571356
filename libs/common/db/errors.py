"""Database errors by what helps: waiting, or other values."""

import asyncpg
from asyncpg.exceptions import _base

# What passes by itself: no connection, a server that stops, starts or fails over, a lost race for a lock.
UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.TransactionRollbackError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,  # what asyncpg says when the server's farewell arrives between two statements
)


# asyncpg's own, of a value that it cannot encode: not PostgreSQL's, and counted among those of the interface besides.
UnencodableError = _base.DataError


# What the values themselves cause, and what another try does not mend. Faults of the interface pass by themselves, but
# for UnencodableError: whoever tells the two apart asks for these first.
UNSTORABLE = (
    asyncpg.DataError,
    UnencodableError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)
