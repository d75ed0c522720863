"""The command line: serve, and check."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from basecamp.bootstrap import Check, migrate, open_basecamp
from basecamp.errors import BasecampError, ConfigError
from basecamp.hosting import listen, serve_http
from basecamp.server import build_server, run_stdio
from basecamp.settings import Settings, load_settings


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 when it went well, 1 when a backend is not, 2 when the configuration is not."""
    arguments = _parser().parse_args(argv)
    # Standard output belongs to the stdio transport and to `check`.
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # These two log every request, with addresses that may hold a password.
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        settings = load_settings(arguments.config)
        if arguments.command == "check":
            return asyncio.run(_check(settings))
        return asyncio.run(_serve(settings, arguments.transport, arguments.host, arguments.port))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="basecamp-mcp", description="An MCP server over the systems of an on-call.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve the tools")
    serve.add_argument("--transport", choices=["http", "stdio"], default="http")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8811, help="0 takes a free one; it is logged")
    check = commands.add_parser("check", help="look at every backend: one line each, with the mend")
    for command in (serve, check):
        command.add_argument("--config", type=Path, default=Path("basecamp.yaml"))
    return parser


async def _check(settings: Settings) -> int:
    async with open_basecamp(settings, serving=False) as basecamp:
        outcomes = await asyncio.gather(*(_look(check) for check in basecamp.checks))
        for _, line in outcomes:
            sys.stdout.write(f"{line}\n")
        for absent in basecamp.absent:
            without = f" (without it: no {', '.join(absent.tools)})" if absent.tools else ""
            sys.stdout.write(f"absent  {absent.backend}: {absent.mend}{without}\n")
        return 0 if all(well for well, _ in outcomes) else 1


async def _look(check: Check) -> tuple[bool, str]:
    try:
        return True, f"ok      {check.backend}: {await check.look()}"
    except BasecampError as error:
        text = " ".join(str(error).split())
        return False, f"failed  {check.backend}: {text}"


async def _serve(settings: Settings, transport: str, host: str, port: int) -> int:
    if transport == "http":
        _check_exposure(settings, host)
    async with open_basecamp(settings) as basecamp:
        if settings.catalog is not None:
            # A catalogue that cannot be read is a mistake of the operator's, told now rather than in an incident.
            for check in basecamp.checks:
                if check.backend == "catalog":
                    await check.look()
        # Not awaited: a database that is away must not keep us from serving.
        migrating = asyncio.create_task(migrate(basecamp))
        try:
            if transport == "stdio":
                await run_stdio(build_server(basecamp.tools, basecamp.gate))
            else:
                stop = asyncio.Event()
                for signal_number in (signal.SIGTERM, signal.SIGINT):
                    asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
                with listen(host, port) as listener:
                    await serve_http(basecamp, listener, host=host, stop=stop)
        finally:
            migrating.cancel()
            await asyncio.gather(migrating, return_exceptions=True)
    return 0


def _check_exposure(settings: Settings, host: str) -> None:
    if _is_loopback(host) or (settings.auth.mcp_token and settings.auth.changes_token):
        return
    raise ConfigError(
        f"--host {host} is reachable from other machines; set `auth: {{mcp_token: ${{…}}, changes_token: ${{…}}}}` "
        "in the configuration, or serve on 127.0.0.1"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
