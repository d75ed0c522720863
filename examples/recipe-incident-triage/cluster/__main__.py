"""`python -m cluster serve`: a cluster of its own for a demo or a test."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from .clock import WallClock
from .scenario import Scenario, ScenarioError, load_scenario
from .serving import Served, serve_cluster, write_kubeconfig
from .world import World


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; 2 when the scenario cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve a cluster; prints one JSON line when it is ready")
    serve.add_argument("--scenario", type=Path, required=True, help="YAML or JSON file")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=0, help="of the API; 0 picks a free one")
    serve.add_argument("--metrics-port", type=int, default=0, help="of kube-state-metrics; 0 picks a free one")
    serve.add_argument("--kubeconfig", type=Path, help="write a kubeconfig with a context per user")
    serve.add_argument("--user", help="the kubeconfig's current user; the scenario's first by default")
    serve.add_argument("--discovery", choices=["aggregated", "legacy"], default="aggregated")
    options = parser.parse_args(arguments)
    try:
        return asyncio.run(_serve(load_scenario(options.scenario), options))
    except (ScenarioError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


async def _serve(scenario: Scenario, options: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve_cluster(
        World(scenario, WallClock()),
        host=options.host,
        port=options.port,
        metrics_port=options.metrics_port,
        kind_of_discovery=options.discovery,
    ) as served:
        if options.kubeconfig is not None:
            write_kubeconfig(options.kubeconfig, served, user=options.user or scenario.users[0].name)
        ready = {
            "service": "cluster",
            "url": served.url,
            "metrics_url": served.metrics_url,
            "kubeconfig": str(options.kubeconfig) if options.kubeconfig else None,
            "tokens": served.tokens,
        }
        print(json.dumps(ready), flush=True)
        await _until_told(stop, served)
    return 0


async def _until_told(stop: asyncio.Event, served: Served) -> None:
    """Wait for the signal, or until the world has failed; leaving the block says how."""
    assert served.running is not None, "the world moves"
    told = asyncio.create_task(stop.wait())
    await asyncio.wait({told, served.running}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()


if __name__ == "__main__":
    sys.exit(main())
