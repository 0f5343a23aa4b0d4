"""psycopg's connections with a deadline for each statement, and with results in binary form."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import AsyncConnection, Connection

from remote_store.backends.sql.database import MARGIN

__all__ = ["PatientAsyncConnection", "PatientConnection"]


class PatientConnection(Connection[Any]):
    """Gives up a server that says nothing."""

    patience: float = 60.0

    @classmethod
    def connect(cls, conninfo: str = "", *, patience: float = 60.0, **options: Any) -> Any:  # type: ignore[override]
        """Connect, within the time that ``connect_timeout`` says."""
        made: Any = super().connect(conninfo, **options)
        made.patience = patience
        return made

    def cursor(self, *args: Any, **options: Any) -> Any:
        """Return a cursor that fetches bytes as bytes."""
        return super().cursor(*args, **({"binary": True} | options))

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for an answer, not longer than the deadline."""
        try:
            return super().wait(gen, interval, timeout or self.patience + MARGIN)
        except psycopg.Error as late:
            if type(late).__name__ == "_WaitTimeout":
                raise TimeoutError("the database said nothing until the deadline") from late
            raise


class PatientAsyncConnection(AsyncConnection[Any]):
    """The same on an event loop."""

    patience: float = 60.0

    @classmethod
    async def connect(cls, conninfo: str = "", *, patience: float = 60.0, **options: Any) -> Any:  # type: ignore[override]
        """Connect, within the time that ``connect_timeout`` says."""
        made: Any = await super().connect(conninfo, **options)
        made.patience = patience
        return made

    async def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:  # noqa: ASYNC109  psycopg's
        """Wait for an answer, not longer than the deadline; a cancelled wait would ask a silent server first."""
        try:
            return await super().wait(gen, interval, timeout or self.patience + MARGIN)
        except psycopg.Error as late:
            if type(late).__name__ == "_WaitTimeout":
                raise TimeoutError("the database said nothing until the deadline") from late
            raise

    def cursor(self, *args: Any, **options: Any) -> Any:
        """Return a cursor that fetches bytes as bytes."""
        return super().cursor(*args, **({"binary": True} | options))
