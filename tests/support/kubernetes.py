"""A cluster for tests: the demo's scenario, with times short enough to wait for."""

import asyncio
import contextlib
import json
import shutil
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import yaml

RECIPE = Path(__file__).parents[2] / "examples" / "recipe-incident-triage"
# The recipe's folder is no package of ours: the demo puts it on PYTHONPATH, and so do its tests.
if str(RECIPE) not in sys.path:
    sys.path.insert(0, str(RECIPE))

from cluster.clock import ManualClock, WallClock
from cluster.kinds import DEPLOYMENTS, EVENTS, PODS, REPLICA_SETS
from cluster.scenario import Scenario, parse_scenario
from cluster.serving import Served, serve_cluster, write_kubeconfig
from cluster.world import World

__all__ = ["DEPLOYMENTS", "EVENTS", "PODS", "REPLICA_SETS"]

SCENARIO = RECIPE / "cluster" / "scenarios" / "payments.yaml"
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
BAD_RELEASE = {
    "metadata": {"annotations": {"kubernetes.io/change-cause": "release 4.13.0"}},
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "payments",
                        "image": "registry.example/payments:4.13.0",
                        "env": [{"name": "RELEASE", "value": "4.13.0"}, {"name": "WEBHOOK_TOKEN", "value": "s3cr3t"}],
                    }
                ]
            }
        }
    },
}


def scenario(**changes: object) -> Scenario:
    """The demo's scenario with its own times; `changes` replace whole keys."""
    return parse_scenario({**yaml.safe_load(SCENARIO.read_text(encoding="utf-8")), **changes})


def quick() -> Scenario:
    """The same with a back-off of tenths of a second."""
    value = yaml.safe_load(SCENARIO.read_text(encoding="utf-8"))
    value["cluster"] |= {
        "back_off": {"initial_seconds": 0.2, "most_seconds": 0.4},
        "start_seconds": 0.05,
        "stop_seconds": 0.05,
    }
    for behaviour in value["programs"][0]["behaviours"]:
        if "exit" in behaviour:
            behaviour["exit"]["after_seconds"] = 0.1
        else:
            behaviour["ready_after_seconds"] = 0.1
    return parse_scenario(value)


def still_world(**changes: object) -> World:
    """A world whose time stands still until it is advanced."""
    return World(scenario(**changes), ManualClock(NOON))


@contextlib.asynccontextmanager
async def moving_cluster(folder: Path, *, user: str = "oncall", **options: object) -> AsyncIterator[Served]:
    """A served cluster that lives in real time; its kubeconfig is `folder/kubeconfig`."""
    async with serve_cluster(World(quick(), WallClock()), **options) as served:
        write_kubeconfig(folder / "kubeconfig", served, user=user)
        yield served


async def kubectl(folder: Path, *arguments: str, program: str = "kubectl") -> str:
    """Standard output of the real kubectl; what it says on failure begins with `exit`."""
    found = shutil.which(program)
    assert found, "the mark external_service decides whether the test runs"
    process = await asyncio.create_subprocess_exec(
        found,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"KUBECONFIG": str(folder / "kubeconfig"), "HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 40)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return out.decode() if process.returncode == 0 else f"exit {process.returncode}: {err.decode()}{out.decode()}"


async def patch_payments(served: Served, change: dict, *, user: str = "admin") -> None:
    """A strategic merge patch of the deployment, as `kubectl patch` sends it."""
    trust = ssl.create_default_context(cadata=served.authority_pem)
    async with httpx.AsyncClient(verify=trust) as http:
        answer = await http.patch(
            f"{served.url}/apis/apps/v1/namespaces/shop/deployments/payments",
            content=json.dumps(change),
            headers={
                "Authorization": f"Bearer {served.tokens[user]}",
                "Content-Type": "application/strategic-merge-patch+json",
            },
        )
        answer.raise_for_status()


async def until(look: Callable[[], Awaitable[object]], *, within: float = 20) -> object:
    """The first true answer of `look`."""
    async with asyncio.timeout(within):
        while not (found := await look()):
            await asyncio.sleep(0.05)
        return found
