"""PostgreSQL: a release of checkout that keeps connections until orders-db has none left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from .programs import Cast, Program, python, together
from .scenario import Announce, Scenario, Words

_GOOD, _BAD = "2.30.4", "2.31.0"
_PACE = "1.5"


@dataclass(slots=True, kw_only=True)
class _Shop:
    """orders-db with 20 slots, its exporter, checkout, and search beside them."""

    cast: Cast
    folder: Path
    dsn: str
    port: int
    targets: Mapping[str, str]
    sections: Mapping[str, object]
    checkout: Program | None = field(default=None)

    async def run(self, release: str) -> None:
        """Checkout in another release, at the same address."""
        if self.checkout is not None:
            await self.cast.stop(self.checkout)
        command = python(
            "shop.checkout",
            *("--dsn", self.dsn, "--version", release, "--port", str(self.port)),
            *("--log", str(self.folder / "logs" / "checkout.log"), "--pace", _PACE),
        )
        self.checkout = await self.cast.start("checkout", command)

    async def break_it(self) -> None:
        await self.run(_BAD)

    async def put_right(self) -> None:
        await self.run(_GOOD)

    async def problems(self) -> Sequence[str]:
        try:
            async with await psycopg.AsyncConnection.connect(self.dsn, application_name="demo"):
                return []
        except psycopg.OperationalError as error:
            return [f"orders-db still refuses the shop's role: {error}"]


async def _open(cast: Cast, folder: Path, announce: Announce) -> _Shop:
    announce("Starting orders-db, a PostgreSQL with 20 connection slots; checkout, its exporter and the service search")
    orders = await cast.start("orders-db", python("shop.orders_db", "--folder", str(folder)))
    superuser_dsn, port = str(orders.ready["superuser_dsn"]), cast.free_port()
    log = str(folder / "logs" / "search.log")
    exporter, search = await together(
        cast.start("exporter", python("shop.exporter", "--dsn", superuser_dsn, "--port", str(cast.free_port()))),
        cast.start("search", python("shop.bystander", "--log", log, "--port", str(cast.free_port()))),
    )
    shop = _Shop(
        cast=cast,
        folder=folder,
        dsn=str(orders.ready["dsn"]),
        port=port,
        targets={"checkout": f"127.0.0.1:{port}", "orders-db": exporter.address, "search": search.address},
        sections={"postgres": {"orders-db": superuser_dsn}},
    )
    await shop.run(_GOOD)
    return shop


POSTGRES = Scenario(
    name="postgres",
    alert="PostgresConnectionsExhausted",
    open=_open,
    culprit=f"deploy-checkout-{_BAD}",
    release=_BAD,
    words=Words(
        healthy=f"checkout {_GOOD} is taking orders",
        breaking=f"Deploying checkout {_BAD}: its new payment retry forgets to close connections",
        asking="terminates the leaked sessions",
        helped="The leaked sessions are gone",
        after=f"Rolling checkout back to {_GOOD}, so that it does not leak again",
        truth="checkout 2.31 leaks connections in retry path",
        moved="connections",
    ),
)
