"""
What the sender is pointed at: the bot's webhook without Slack, or a bare handler with one durable commit per request.

Both are served alike, over the same kind of pool. Prints one JSON line with its port, then serves until it is stopped.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot import webhook
from bot.adapters.postgres.session import make_pool
from bot.bootstrap import open_core
from bot.settings import Config, Environment, Settings
from evals.bench.serving import serving, stopped


def settings_for(dsn: str) -> Settings:
    """The defaults; this process is started in an empty folder and without variables that could change them."""
    return Settings(environment=Environment(database_url=dsn), config=Config(), config_path=Path("aiops.yaml"))


async def _no_problems() -> Mapping[str, str]:
    return {}


@asynccontextmanager
async def bot_app(dsn: str) -> AsyncGenerator[Starlette]:
    """The bot's own HTTP application over everything but Slack and the loops."""
    async with open_core(settings_for(dsn)) as core:
        yield webhook.build(core.flows, token=None, metrics=webhook.Metrics(), readiness=_no_problems)


@asynccontextmanager
async def bare_app(dsn: str) -> AsyncGenerator[Starlette]:
    """Reads the body, commits it as one row, answers: what the framework and the disk cost by themselves."""
    pool = make_pool(dsn, max_size=10, name="bare")
    await pool.open()
    async with pool.connection() as connection:
        await connection.execute("create table if not exists bare (id bigint generated always as identity, body bytea)")

    async def receive(request: Request) -> Response:
        body = await request.body()
        async with pool.connection() as connection:
            await connection.execute("insert into bare (body) values (%s)", (body,))
        return JSONResponse({"stored": len(body)})

    try:
        yield Starlette(routes=[Route("/webhooks/alertmanager", receive, methods=["POST"])])
    finally:
        await pool.close()


async def _serve(kind: str, dsn: str) -> None:
    open_app = bot_app if kind == "bot" else bare_app
    async with open_app(dsn) as app, serving(app) as port:
        print(json.dumps({"port": port}), flush=True)
        await stopped()


def main() -> None:
    """`python -m evals.bench.server bot|bare --dsn …`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["bot", "bare"])
    parser.add_argument("--dsn", required=True)
    args = parser.parse_args()
    asyncio.run(_serve(args.kind, args.dsn))


if __name__ == "__main__":
    main()
