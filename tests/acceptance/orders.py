"""A real PostgreSQL whose connections are leaking, and the people who are asked about ending them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
from psycopg_pool import ConnectionPool

from bot.slack.views import approval as approval_view
from bot.slack.views.runbook import INCIDENT, PARAMETER, REASON, RUNBOOK_FORM
from slackbox.jsons import Json
from slackbox.world import flat_text
from tests.acceptance.town import CHANNEL, ROOT, Town, open_town
from tests.basecamp.grants import KEY
from tests.support.kubernetes import until

LEAKED = 15
"""Of 17 that anybody but a superuser may have; one less is still too many for the runbook."""
IDLE_S = 5.5
"""The runbook asks here for sessions that have been idle for 5 s, the least that it may ask for."""
RUNBOOK = "postgres-connections-exhausted"
RELEASE = "checkout/2.31.0"
CLASSES = ("PostgresConnectionsExhausted", "PostgresqlTooManyConnections", "PostgresTooManyConnections")


class Leak:
    """Connections that an application took and never gave back."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._pools: list[ConnectionPool] = []
        self._held: list[psycopg.Connection] = []

    def spring(self) -> None:
        """Take as many as are missing; those that are there stay."""
        missing = LEAKED - len(self.sessions())
        user = self.dsn.replace("postgres:@", "shop:@")
        assert user != self.dsn
        pool = ConnectionPool(
            user, min_size=missing, max_size=missing or 1, open=True, kwargs={"application_name": RELEASE}
        )
        self._pools.append(pool)
        for _ in range(missing):
            connection = pool.getconn(timeout=30)
            connection.execute("select 1")
            connection.commit()
            self._held.append(connection)

    def close(self) -> None:
        for pool in self._pools:
            pool.close()
        for connection in self._held:
            connection.close()

    def sessions(self) -> dict[int, float]:
        """Process ids, and the seconds each has been idle, as the server itself says."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            return dict(
                connection.execute(
                    "select pid, extract(epoch from now() - state_change)::float from pg_stat_activity"
                    " where application_name = %s",
                    [RELEASE],
                ).fetchall()
            )

    def give_one_back(self) -> None:
        """The application closes a session by itself."""
        alive = next(one for one in reversed(self._held) if one.info.backend_pid in self.sessions())
        alive.close()

    async def forgotten(self) -> set[int]:
        """Wait until every session has been idle for long enough; their process ids."""

        async def old() -> set[int]:
            found = self.sessions()
            return set(found) if len(found) == LEAKED and min(found.values()) > IDLE_S else set()

        return await until(old)


@dataclass
class Shift:
    """A town whose database leaks, and what people do in it."""

    town: Town
    leak: Leak
    folder: Path
    alerts: list[Json] = field(default_factory=list)
    heard: dict[str, int] = field(default_factory=dict)
    """How many private messages of each person were looked at."""

    async def report(self) -> str:
        """An alert about the leak; the incident."""
        one = self.town.alert()
        self.alerts.append(one)
        return await self.town.fire(one)

    async def fire(self) -> tuple[str, str]:
        """An alert about the leak; the incident and its thread."""
        incident = await self.report()
        return incident, (await self.town.card(incident))["ts"]

    async def over(self) -> None:
        """Every alert resolves, so that the next one is another incident and nothing is left waiting."""
        while self.alerts:
            await self.town.resolve(self.alerts.pop())

    async def asked(self, thread: str, *, count: int = 1, timeout_s: float = 40) -> Json:
        """The newest approval card of a thread that has so many."""
        found = await self.town.box.wait_for(
            CHANNEL, thread_ts=thread, event_type="aiops.approval", min_count=count, timeout_s=timeout_s
        )
        return found[-1]

    async def cards(self, thread: str) -> list[Json]:
        return [one for one in await self.town.box.messages(CHANNEL, thread) if _kind(one) == "approval"]

    async def now(self, card: Json) -> Json:
        """A message as it is now."""
        return next(one for one in await self.town.box.messages(CHANNEL, card["thread_ts"]) if one["ts"] == card["ts"])

    async def review(self, user: str, card: Json) -> Json:
        """A person presses Review and Approve and gets the form."""
        await self._close_what_is_open(user)
        await self._press(user, card, approval_view.REVIEW)
        return (await self.town.box.open_views(user))[-1]

    async def turned_away(self, user: str, card: Json) -> str:
        """A person presses Review and Approve and gets no form but a sentence, which nobody else sees."""
        await self._close_what_is_open(user)
        await self._press(user, card, approval_view.REVIEW)
        said = await self.last_said_to(user)
        assert (await self.town.box.views(user))["stack"] == []
        return said

    async def _close_what_is_open(self, user: str) -> None:
        """What a dead process or an earlier refusal has left on this person's screen."""
        for left in (await self.town.box.views(user))["stack"][-1:]:
            await self.town.box.close_view(user=user, view_id=left["id"], everything=True)

    async def last_said_to(self, user: str) -> str:
        """The newest message that only this person sees, which is waited for if there is none that was not looked at."""

        async def news() -> Json | None:
            shown = await self.town.box.ephemerals(user)
            return shown[-1] if len(shown) > self.heard.get(user, 0) else None

        said = await until(news)
        self.heard[user] = self.heard.get(user, 0) + 1
        return told(said)

    async def _press(self, user: str, card: Json, action_id: str) -> None:
        await self.town.box.press(user=user, channel=CHANNEL, ts=card["ts"], action_id=action_id)

    async def submit(self, user: str, view: Json) -> Json:
        return await self.town.box.submit(user=user, view_id=view["id"])

    async def approve(self, user: str, card: Json) -> Json:
        """Look at the form and submit it."""
        return await self.submit(user, await self.review(user, card))

    async def run_by(self, user: str, reason: str) -> str:
        """A person starts the runbook by `/aiops runbook`; the thread of the new incident."""
        box = self.town.box
        before = {one["ts"] for one in await self.town.parents()}
        await box.command(user=user, channel=CHANNEL, command="/aiops", text=f"runbook {RUNBOOK}")
        view = (await box.open_views(user))[-1]
        assert view["callback_id"] == RUNBOOK_FORM
        values = {
            INCIDENT: {INCIDENT: "new"},
            REASON: {REASON: reason},
            f"{PARAMETER}min_idle_seconds": {f"{PARAMETER}min_idle_seconds": "5"},
        }
        values |= self._service(view)
        answer = await box.submit(user=user, view_id=view["id"], values=values)
        assert (answer["errors"], answer["failure"], answer["view"]) == ({}, None, None), answer

        async def opened() -> str | None:
            new = [one["ts"] for one in await self.town.parents() if one["ts"] not in before]
            return new[0] if new else None

        return await until(opened)

    def _service(self, view: Json) -> Json:
        known = {block["block_id"] for block in view["blocks"]}
        name = f"{PARAMETER}database"
        return {name: {name: "orders-db"}} if name in known else {}

    def acting(self) -> list[Json]:
        """Calls that basecamp began, by its own audit file."""
        return self._audit("acting")

    def refused(self) -> list[Json]:
        """Calls that basecamp did not make."""
        return self._audit("refused")

    def _audit(self, event: str) -> list[Json]:
        file = self.folder / "basecamp-audit.jsonl"
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        return [entry for entry in map(json.loads, lines) if entry["event"] == event]

    async def began(self, count: int) -> list[Json]:
        """The newest of so many calls, as soon as there are so many."""

        async def enough() -> list[Json]:
            found = self.acting()
            return found[count - 1 :]

        return await until(enough)

    def group(self, *users: str) -> None:
        """Who is in the approver group from now on."""
        groups = self.town.box.box.workspace.groups
        groups["S0ONCALL"] = replace(groups["S0ONCALL"], users=users)

    async def run(self, thread: str) -> str:
        """The run of a thread."""
        card = await self.town.reply("run", thread)
        return card["metadata"]["event_payload"]["operation"].rpartition(":")[2]

    def rows(self, sql: str, *args: object) -> list[tuple]:
        with psycopg.connect(self.town.database_url) as connection:
            return connection.execute(sql, args).fetchall()

    def actions(self, run: str) -> list[str]:
        """What the bot's audit log says of a run, in order."""
        return [
            action for (action,) in self.rows("select action from aiops.aiops_audit where target = %s order by id", run)
        ]

    async def audit_is_whole(self) -> None:
        found = await self.town.bot.cli("audit", "verify", "--json")
        assert found["whole"], found


def told(message: Json) -> str:
    """Every word of a message."""
    return flat_text(message)


def _kind(message: Json) -> str:
    return message.get("metadata", {}).get("event_type", "").removeprefix("aiops.")


@asynccontextmanager
async def open_shift(
    folder: Path, database_url: str, leak: Leak, *, start: bool = True, config: Json | None = None, **environment: str
) -> AsyncIterator[Shift]:
    """A town whose bot may ask to end leaked sessions, and a basecamp that can."""
    runbooks = folder / "runbooks"
    runbooks.mkdir(parents=True)
    source = (ROOT / "runbooks" / f"{RUNBOOK}.md").read_text(encoding="utf-8")
    assert source.count('default: "10"') == 1
    (runbooks / f"{RUNBOOK}.md").write_text(source.replace('default: "10"', 'default: "5"'), encoding="utf-8")
    acting = {
        "approvers": {"default": ["S0ONCALL"]},
        "autonomy": {"classes": dict.fromkeys(CLASSES, "approved")},
        "runbooks": [str(runbooks)],
    }
    async with open_town(
        folder,
        database_url,
        start=start,
        config=acting | (config or {}),
        orders=leak.dsn,
        key=KEY,
        **{"AIOPS_APPROVAL_KEY": KEY} | environment,
    ) as town:
        yield Shift(town, leak, folder)
