"""The command line: `slackbox serve`."""

import argparse
import asyncio
import contextlib
import ipaddress
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from slackbox.box import Box, Options, build_box
from slackbox.errors import SlackboxError
from slackbox.jsons import Json
from slackbox.manifest import load_manifest
from slackbox.server import bind, serving


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit status."""
    args = _parser().parse_args(argv)
    options = Options(
        seed=args.seed,
        channels=tuple(args.channel),
        private_channels=tuple(args.private_channel),
        journal=args.journal,
        rate_limits=args.rate_limits,
    )
    try:
        box = build_box(load_manifest(args.manifest), options)
    except SlackboxError as error:
        _complain(str(error))
        return 2
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(_serve(box, host=args.host, port=args.port, as_json=args.json))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slackbox", description="A strict local Slack workspace.")
    serve = parser.add_subparsers(dest="command", required=True).add_parser("serve", help="start the workspace")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    serve.add_argument("--port", type=int, default=8790, help="port, 0 for any free one (default %(default)s)")
    serve.add_argument("--manifest", type=Path, default=Path("manifest.json"), help="the app's manifest")
    serve.add_argument("--seed", type=int, default=1, help="ids and tokens follow from it (default %(default)s)")
    serve.add_argument("--channel", action="append", default=[], help="one more channel; may be repeated")
    serve.add_argument("--private-channel", action="append", default=[], help="one more private channel")
    serve.add_argument("--journal", type=Path, help="also write every call and envelope to this JSON lines file")
    serve.add_argument("--rate-limits", action="store_true", help="enforce Slack's rate tiers")
    serve.add_argument("--json", action="store_true", help="print the addresses and tokens as one JSON object")
    return parser


async def _serve(box: Box, *, host: str, port: int, as_json: bool) -> int:
    try:
        bound = bind(host, port)
    except OSError as error:
        _complain(f"cannot listen on {host}:{port}: {error.strerror}. Try --port 0.")
        return 1
    if not _is_loopback(host):
        _complain(f"{host} is reachable by others, and slackbox lets anyone act as anyone.")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with serving(box, bound):
        sys.stdout.write(_greeting(box, host, bound.getsockname()[1], as_json=as_json) + "\n")
        sys.stdout.flush()
        await stop.wait()
    return 0


def _complain(message: str) -> None:
    sys.stderr.write(f"slackbox: {message}\n")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _greeting(box: Box, host: str, port: int, *, as_json: bool) -> str:
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
