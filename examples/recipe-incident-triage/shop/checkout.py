"""checkout: takes orders, keeps them in orders-db, charges them.

    python -m shop.checkout --dsn DSN --version 2.31.0 --log LOGS/checkout.log --port 9101 [--pace 1]

Prints one JSON line `{service, version, url}` when ready; SIGTERM closes its sessions and stops it. Release 2.31.0
leaks a database session whenever a retried payment is declined; 2.30.x and 2.31.1 do not (see `payments`).
"""

import argparse
import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

import psycopg

from . import payments, process
from .logs import ServiceLog
from .metrics import RequestMetrics
from .payments import PaymentGateway, RetryPath, Verdict
from .pool import Connector, Pool

SERVICE = "checkout"
ORDERS_PER_SECOND = 8.0
WORKERS = 4
OUTCOMES = ("ok", "declined", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`pace` multiplies how fast orders come: 1 is the demo's, about 8 orders a second."""

    dsn: str
    version: str
    log: Path
    host: str = "127.0.0.1"
    port: int = 0
    pace: float = 1.0
    seed: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """One running release: what its workers share."""

    pool: Pool
    gateway: PaymentGateway
    retry: RetryPath
    metrics: RequestMetrics
    log: ServiceLog
    chance: random.Random

    async def take_order(self) -> None:
        """Take and charge one order; whatever the database refuses becomes an error outcome and a logged traceback."""
        sku = f"sku-{self.chance.randint(1, 40):03}"
        started = perf_counter()
        try:
            order_id, verdict = await self._place_and_charge(sku)
        except psycopg.Error as error:
            self.metrics.observe("error", perf_counter() - started)
            self.log.failure("order failed", error, sku=sku, cause=type(error).__name__)
            return
        seconds = perf_counter() - started
        self.metrics.observe("declined" if verdict is Verdict.DECLINED else "ok", seconds)
        self.log.info(f"order {verdict}", order=order_id, sku=sku, duration_ms=round(seconds * 1000))

    async def _place_and_charge(self, sku: str) -> tuple[int, Verdict]:
        order_id = await self._place(sku)
        verdict = await self.gateway.charge(attempt=1)
        async with self.pool.connection() as connection:
            await payments.record_attempt(connection, order_id, 1, verdict)
        if verdict is Verdict.TRANSIENT:
            self.log.warning("payment failed, retrying", order=order_id, provider="gateway timeout")
            verdict = await self.retry.retry(order_id)
        state = "declined" if verdict is Verdict.DECLINED else "paid"
        async with self.pool.connection() as connection:
            await connection.execute("update orders set state = %s where id = %s", [state, order_id])
        return order_id, verdict

    async def _place(self, sku: str) -> int:
        async with self.pool.connection() as connection, connection.transaction():
            await connection.execute("update stock set on_hand = on_hand - 1 where sku = %s", [sku])
            cursor = await connection.execute("insert into orders (sku, quantity) values (%s, 1) returning id", [sku])
            row = await cursor.fetchone()
        assert row is not None, "insert … returning gives the row"
        return int(row[0])


async def run_checkout(options: Options, stop: asyncio.Event) -> None:
    """Take orders until `stop` is set, then finish the orders in hand and close every session."""
    connector = Connector(options.dsn, f"{SERVICE}/{options.version}")
    chance = random.Random(options.seed)
    gateway = PaymentGateway(chance, pace=options.pace)
    pool = Pool(connector)
    retry = payments.retry_path(options.version, pool=pool, connector=connector, gateway=gateway)
    metrics = RequestMetrics(SERVICE, options.version, OUTCOMES)
    log = ServiceLog(SERVICE, options.log)
    checkout = Checkout(pool=pool, gateway=gateway, retry=retry, metrics=metrics, log=log, chance=chance)
    async with AsyncExitStack() as stack:
        stack.callback(log.close)
        stack.push_async_callback(pool.close)
        stack.push_async_callback(retry.close)
        url = await stack.enter_async_context(process.serving(metrics.app(), host=options.host, port=options.port))
        log.info("checkout started", version=options.version)
        process.announce(service=SERVICE, version=options.version, url=url)
        rate = ORDERS_PER_SECOND * options.pace / WORKERS
        async with asyncio.TaskGroup() as workers:
            for _ in range(WORKERS):
                workers.create_task(_work(checkout, rate, stop))
        log.info("checkout stopping", version=options.version)


async def _work(checkout: Checkout, rate: float, stop: asyncio.Event) -> None:
    """Orders arrive independently of one another, so the gaps between them are exponential."""
    while not await process.stopped_within(stop, checkout.chance.expovariate(rate)):
        await checkout.take_order()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m shop.checkout", description=__doc__)
    parser.add_argument("--dsn", required=True, help="orders-db as the ordinary role")
    parser.add_argument("--version", required=True, help="the release to run, as 2.31.0")
    parser.add_argument("--log", type=Path, required=True, help="log file")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9101, help="0 picks a free one")
    parser.add_argument("--pace", type=float, default=1.0, help="how many times faster than the demo orders come")
    parser.add_argument("--seed", type=int, default=7, help="of the order of payment failures")
    options = parser.parse_args(arguments)
    try:
        payments.parse_version(options.version)
    except ValueError as error:
        parser.error(f"argument --version: {error}")
    process.run(partial(run_checkout, Options(**vars(options))))


if __name__ == "__main__":
    main()
