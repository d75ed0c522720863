"""The Store port on PostgreSQL."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from bot.adapters.postgres.intake_queries import IntakeQueries
from bot.adapters.postgres.label_queries import LabelQueries
from bot.adapters.postgres.learning_queries import LearningQueries
from bot.adapters.postgres.post_queries import PostQueries
from bot.adapters.postgres.read_queries import ReadQueries
from bot.adapters.postgres.run_queries import RunQueries
from bot.adapters.postgres.session import Pool, Session, jsonb, wrapped_errors
from bot.adapters.postgres.sweep_queries import SweepQueries
from bot.adapters.postgres.world_queries import WorldQueries
from bot.core.hypothesis import Usage
from bot.core.redaction import redact
from bot.ports import AuditEntry, Clock, ModelCallEntry, ToolCallEntry


class PostgresTransaction(
    IntakeQueries, PostQueries, ReadQueries, RunQueries, LearningQueries, LabelQueries, WorldQueries, SweepQueries
):
    """Everything that can be read and written inside one transaction."""

    def __init__(self, connection: AsyncConnection[DictRow], default_channel: str) -> None:
        super().__init__(connection)
        self.default_channel = default_channel


class PostgresStore:
    """All state. `default_channel` is where incidents without a forwarded message are posted."""

    def __init__(self, pool: Pool, *, default_channel: str, on_work: Callable[[], None] | None = None) -> None:
        """`on_work` is called after each commit that gives a loop something to do."""
        self._pool = pool
        self._default_channel = default_channel
        self._on_work = on_work

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[PostgresTransaction]:
        """All or nothing. Raises StoreUnavailableError when the database is away, StoreError when it refuses."""
        async with wrapped_errors(), self._pool.connection() as connection, connection.transaction():
            tx = PostgresTransaction(connection, self._default_channel)
            yield tx
        if tx.wakes and self._on_work is not None:
            self._on_work()

    async def now(self) -> datetime:
        """The database's clock; the cheapest proof that it answers."""
        async with wrapped_errors(), self._pool.connection() as connection:
            row = await Session(connection).row("clock")
        assert row is not None, "select now() always gives a row"
        return row["now"]


class PostgresJournal:
    """The Journal port: calls of an investigation, kept and audited."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def model_call(self, investigation_id: str, entry: ModelCallEntry) -> None:
        """Record a model call."""
        async with wrapped_errors(), self._pool.connection() as connection, connection.transaction():
            tx = ReadQueries(connection)
            await tx.execute(
                "add_model_call",
                investigation=investigation_id,
                purpose=entry.purpose,
                prompt_name=entry.prompt.name,
                prompt_version=entry.prompt.version,
                prompt_sha256=entry.prompt.sha256,
                model=entry.model,
                outcome=entry.outcome,
                tokens=entry.usage.tokens,
                cost_usd=entry.usage.cost_usd,
                steps=entry.usage.steps,
                took_ms=entry.took_ms,
            )
            await tx.audit([_model_audit(investigation_id, entry)], now=self._clock.now())

    async def tool_call(self, investigation_id: str, entry: ToolCallEntry) -> None:
        """Record a tool call and keep its whole, redacted result."""
        text = redact(entry.text)
        async with wrapped_errors(), self._pool.connection() as connection, connection.transaction():
            tx = ReadQueries(connection)
            await tx.execute(
                "add_tool_call",
                investigation=investigation_id,
                tool=entry.tool,
                args=jsonb(dict(entry.args)),
                outcome=entry.outcome,
                text=text.replace("\x00", ""),
                took_ms=entry.took_ms,
            )
            await tx.audit([_tool_audit(investigation_id, entry)], now=self._clock.now())

    async def search_tool_results(self, investigation_id: str, contains: str, limit: int) -> Sequence[str]:
        """Lines of kept results that contain a text, as `tool: line`."""
        async with wrapped_errors(), self._pool.connection() as connection:
            rows = await Session(connection).rows(
                "search_tool_results", investigation=investigation_id, contains=contains, limit=limit
            )
        return [f"{row['tool']}: {row['line']}" for row in rows]


def _model_audit(investigation_id: str, entry: ModelCallEntry) -> AuditEntry:
    usage: Usage = entry.usage
    return AuditEntry(
        actor="triage agent",
        action="model.call",
        target=investigation_id,
        detail={
            "purpose": entry.purpose,
            "prompt": f"{entry.prompt.name}@{entry.prompt.version}",
            "prompt_sha256": entry.prompt.sha256,
            "model": entry.model,
            "outcome": entry.outcome,
            "tokens": usage.tokens,
            "cost_usd": usage.cost_usd,
            "took_ms": entry.took_ms,
        },
    )


def _tool_audit(investigation_id: str, entry: ToolCallEntry) -> AuditEntry:
    return AuditEntry(
        actor="triage agent",
        action="tool.call",
        target=investigation_id,
        detail={"tool": entry.tool, "args": dict(entry.args), "outcome": entry.outcome, "took_ms": entry.took_ms},
    )
