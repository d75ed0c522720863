"""The bot in this process over real PostgreSQL and a served world of tools, without Slack."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bot.bootstrap import Core, open_core
from bot.core.hypothesis import CauseClass
from bot.core.outcome import OutcomeForm, OutcomeSource
from bot.core.root_cause import Label
from bot.settings import Config, Environment, McpServer, Settings
from bot.webhook import parse_alertmanager
from tests.acceptance.replies import reply_from
from tests.agent.worlds import ONSET, World, leak_world, served
from tests.support.openai_endpoint import OpenAiEndpoint
from tests.support.payloads import alert, as_bytes, payload

RIGHT = OutcomeForm(
    cause="Release 2.31.0 of checkout leaks sessions",
    cause_class=CauseClass.DEPLOY,
    component="checkout",
    change_id="dep-4812",
)

LEAK = {
    "title": "checkout 2.31.0 leaks sessions",
    "cause_class": "deploy",
    "suspect": {"service": "checkout", "change_id": "dep-4812"},
    "claims": [("Idle sessions belong to checkout/2.31.0.", "checkout/2.31.0")],
    "confidence": 0.9,
    "disconfirming_check": "Sessions stay after a rollback.",
}
POOL = {
    "title": "The connection limit of orders-db is too small",
    "cause_class": "capacity",
    "suspect": {"service": "orders-db", "change_id": None},
    "claims": [("Sessions of checkout/2.31.0 are open.", "checkout/2.31.0")],
    "confidence": 0.3,
    "disconfirming_check": "One release holds most sessions.",
}
SEARCH = {
    "title": "The cache size of search",
    "cause_class": "config",
    "suspect": {"service": "search", "change_id": "cfg-31"},
    "claims": [("Sessions of checkout/2.31.0 are open.", "checkout/2.31.0")],
    "confidence": 0.8,
    "disconfirming_check": "Search was rolled back and nothing changed.",
}


def blames(*hypotheses: dict, verdict: str = "confident"):
    """A model's answer that names these causes, likeliest first."""
    return reply_from(hypotheses, verdict=verdict)


@dataclass
class Lab:
    core: Core
    settings: Settings
    url: str
    world: World
    fired: int = field(default=0)

    async def triage(self, *, service: str = "orders-db", **labels: str) -> str:
        """Fire an alert and investigate it to the end; the incident's id."""
        self.fired += 1
        one = alert(
            "PostgresConnectionsExhausted", service=service, starts_at=ONSET.isoformat(), run=str(self.fired), **labels
        )
        one["annotations"]["summary"] = "orders-db uses 17 of 17 connections"
        delivery = parse_alertmanager(as_bytes(payload(one, group_key=f"lab-{self.fired}"))).delivery
        (incident,) = await self.core.flows.receive(delivery)
        assert await self.core.flows.investigate_next()
        self.close(incident)
        return incident

    def close(self, incident: str) -> None:
        """Over, so that the next alert is an incident of its own."""
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "update aiops.incident set state = 'resolved', resolved_at = now(), started_at = now() - interval '9 days' where id = %s",
                (incident,),
            )

    async def label(self, incident: str, form: OutcomeForm = RIGHT) -> None:
        await self.core.labels.record(Label(incident_id=incident, form=form, author="U1", source=OutcomeSource.COMMAND))

    def rows(self, sql: str, *args: object) -> list[tuple]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(sql, args).fetchall()

    def body(self, incident: str) -> dict:
        """The stored world."""
        ((body,),) = self.rows("select body from aiops.world where investigation_id = %s", f"{incident}.1")
        return body

    def store_body(self, incident: str, body: dict) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "update aiops.world set body = %s where investigation_id = %s", (json.dumps(body), f"{incident}.1")
            )

    def delete_worlds(self) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute("delete from aiops.world")


@asynccontextmanager
async def open_lab(
    folder: Path, url: str, *, world: World | None = None, endpoint: OpenAiEndpoint | None = None, **config: object
) -> AsyncIterator[Lab]:
    world = world or leak_world()
    model = (
        {"llm_model": "scripted", "llm_base_url": endpoint.url, "llm_api_key": "sk-lab-0123456789"} if endpoint else {}
    )
    async with served(world) as tools:
        settings = Settings(
            environment=Environment(_env_file=None, database_url=url, llm_timeout_seconds=5, **model),
            config=Config(mcpServers={"basecamp": McpServer(url=tools)}, settle_seconds=0, **config),
            config_path=folder / "aiops.yaml",
        )
        async with open_core(settings) as core:
            yield Lab(core=core, settings=settings, url=url, world=world)
