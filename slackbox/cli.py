"""The command line: `slackbox serve` and `slackbox bench`."""

import argparse
import asyncio
import contextlib
import errno
import ipaddress
import json
import math
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from slackbox import limits
from slackbox.box import Box, Options, build_box
from slackbox.clock import VIRTUAL_START, RealClock, VirtualClock
from slackbox.errors import SlackboxError
from slackbox.jsons import Json
from slackbox.manifest import Manifest, load_manifest
from slackbox.ratelimit import PROFILES
from slackbox.server import bind, serving

_EVERYWHERE: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to be recognised, not bound


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit status: 0, 1 when the port cannot be had, 2 for a wrong manifest or option."""
    args = _parser().parse_args(argv)
    if args.command == "bench":
        # Not needed to serve, and serving starts faster without it.
        from slackbox.bench.command import run

        return run(args)
    try:
        manifest = load_manifest(args.manifest)
        box = build_box(manifest, _options(args))
    except SlackboxError as error:
        _complain(str(error))
        return 2
    _mention(manifest, args.manifest)
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(_serve(box, host=args.host, port=args.port, as_json=args.json))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slackbox", description="A strict local Slack workspace.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="start the workspace")
    _add_place(serve)
    _add_strictness(serve)
    bench = commands.add_parser("bench", help="measure slackbox on this machine")
    bench.add_argument("--posts", type=_count, default=5000, help="posts to send as fast as they go (%(default)s)")
    bench.add_argument("--connections", type=_count, default=8, help="connections to send them on (%(default)s)")
    bench.add_argument("--paints", type=_count, default=120, help="messages to watch for on the page (%(default)s)")
    bench.add_argument("--starts", type=_count, default=12, help="times to start slackbox (%(default)s)")
    bench.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    return parser


def _add_place(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    serve.add_argument("--port", type=_port, default=8790, help="port, 0 for any free one (default %(default)s)")
    serve.add_argument("--manifest", type=Path, default=Path("manifest.json"), help="the app's manifest")
    serve.add_argument("--seed", type=int, default=1, help="ids and tokens follow from it (default %(default)s)")
    serve.add_argument("--channel", action="append", default=[], help="one more channel; may be repeated")
    serve.add_argument("--private-channel", action="append", default=[], help="one more private channel")
    serve.add_argument("--journal", type=Path, help="also write every call and envelope to this JSON lines file")
    serve.add_argument("--json", action="store_true", help="print the addresses and tokens as one JSON object")


def _add_strictness(serve: argparse.ArgumentParser) -> None:
    add = serve.add_argument
    add(
        "--rate-limits",
        nargs="?",
        const="tiers",
        default="off",
        choices=PROFILES,
        help="tiers: Slack's own (also without a word); strict: hardly any burst; first_call: refuse each method once",
    )
    add(
        "--virtual-clock",
        type=_virtual_clock,
        nargs="?",
        const=VIRTUAL_START.isoformat(),
        metavar="START",
        help="time that passes only by POST /_test/clock; START is ISO 8601 with a zone (default a Monday 09:00)",
    )
    add("--ack-seconds", type=_seconds, default=limits.ACK_SECONDS, metavar="SECONDS", help="time to acknowledge")
    add(
        "--retry-delays",
        type=_delays,
        default=limits.RETRY_DELAYS_SECONDS,
        metavar="SECONDS,…",
        help="when an event comes again (default 0,60,300)",
    )
    add("--connection-seconds", type=_seconds, metavar="SECONDS", help="end each connection after so long (never)")
    add(
        "--connection-end",
        default="refresh_requested",
        choices=("refresh_requested", "warning"),
        help="how it is asked to go then (default %(default)s)",
    )
    add(
        "--ping-seconds",
        type=_seconds,
        default=limits.PING_SECONDS,
        metavar="SECONDS",
        help="time between slackbox's own pings (default %(default)g)",
    )
    add(
        "--events-per-hour",
        type=_count,
        default=limits.EVENTS_PER_HOUR,
        metavar="COUNT",
        help="more are not sent (default %(default)s)",
    )
    add("--free-plan", action="store_true", help="a workspace that does not pay: no canvases of its own")


def _options(args: argparse.Namespace) -> Options:
    return Options(
        seed=args.seed,
        channels=tuple(args.channel),
        private_channels=tuple(args.private_channel),
        journal=args.journal,
        ack_seconds=args.ack_seconds,
        retry_delays=args.retry_delays,
        rate_limits=args.rate_limits,
        free_plan=args.free_plan,
        clock=args.virtual_clock or RealClock(),
        ping_seconds=args.ping_seconds,
        connection_seconds=args.connection_seconds,
        connection_end=args.connection_end,
        events_per_hour=args.events_per_hour,
    )


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; a number from 0 to 65535 is")
    return int(text)


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 up")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def _delays(text: str) -> tuple[float, ...]:
    """0,60,300: the waits before each repetition; an empty text for none."""
    return tuple(0.0 if part.strip() == "0" else _seconds(part) for part in text.split(",") if part.strip())


def _virtual_clock(start: str) -> VirtualClock:
    try:
        return VirtualClock(datetime.fromisoformat(start))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


async def _serve(box: Box, *, host: str, port: int, as_json: bool) -> int:
    try:
        bound = bind(host, port)
    except OSError as error:
        hint = " Take another with --port, or any free one with --port 0." if error.errno == errno.EADDRINUSE else ""
        _complain(f"cannot listen on {host}:{port}: {error.strerror}.{hint}")
        return 1
    if not _is_loopback(host):
        _complain(
            f"WARNING: other machines can reach {host or 'every address of this one'}, and whoever reaches slackbox can "
            "read everything in it and act as anyone. Leave --host away to stay on this machine."
        )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with serving(box, bound):
        sys.stdout.write(_greeting(box, host, bound.getsockname()[1], as_json=as_json) + "\n")
        sys.stdout.flush()
        await stop.wait()
    return 0


def _mention(manifest: Manifest, path: Path) -> None:
    if not manifest.socket_mode:
        _complain(f"{path} has settings.socket_mode_enabled off, so apps.connections.open will be refused.")


def _complain(message: str) -> None:
    sys.stderr.write(f"slackbox: {message}\n")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _greeting(box: Box, host: str, port: int, *, as_json: bool) -> str:
    host = _EVERYWHERE.get(host, host)
    netloc = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    facts: Json = {
        "page": f"http://{netloc}/",
        "SLACK_API_URL": f"http://{netloc}/api/",
        "SLACK_BOT_TOKEN": box.tokens.bot,
        "SLACK_APP_TOKEN": box.tokens.app,
    }
    if as_json:
        return json.dumps(facts)
    lines = [f"slackbox is ready: {facts['page']}", ""]
    lines += [f"export {name}={value}" for name, value in facts.items() if name != "page"]
    return "\n".join(lines)
