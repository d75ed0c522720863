"""Ships the logs of a namespace's pods into files, one for each app, as a log collector on the nodes does.

    python -m shop.pod_logs --kubeconfig FILE --namespace shop --logs LOGS

Each line keeps the time that the kubelet gave it, JSON lines as their field `time`. Prints one JSON line `{service, namespace}` when it has looked once.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import yaml

from . import process

_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    kubeconfig: Path
    namespace: str
    logs: Path


@dataclass(slots=True, kw_only=True)
class Shipper:
    """Remembers of every container up to which line it has written."""

    client: httpx.AsyncClient
    namespace: str
    logs: Path
    written: dict[str, str] = field(default_factory=dict[str, str])
    """The time of the last line by pod and container."""

    async def look(self) -> None:
        """Write what is new. Raises httpx.HTTPError when the cluster cannot be asked."""
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        answer = await self.client.get(path)
        answer.raise_for_status()
        for pod in answer.json()["items"]:
            for status in pod["status"].get("containerStatuses") or ():
                # The run that ended first: its last lines are the ones that tell why.
                for previous in (True, False) if status["restartCount"] else (False,):
                    await self._ship(pod, status["name"], previous=previous)

    async def _ship(self, pod: dict[str, Any], container: str, *, previous: bool) -> None:
        name = pod["metadata"]["name"]
        query = {"container": container, "timestamps": "true", "previous": str(previous).lower()}
        answer = await self.client.get(f"/api/v1/namespaces/{self.namespace}/pods/{name}/log", params=query)
        if not answer.is_success:
            # A container that has not started yet, or a pod that went meanwhile, has no log.
            return
        key = f"{pod['metadata']['uid']}/{container}"
        fresh = [line for line in answer.text.splitlines() if line.split(" ", 1)[0] > self.written.get(key, "")]
        if not fresh:
            return
        labels: dict[str, str] = pod["metadata"].get("labels") or {}
        app = labels.get("app", name)
        with (self.logs / f"{app}.log").open("a", encoding="utf-8") as file:
            file.writelines(f"{_timed(line)}\n" for line in fresh)
        self.written[key] = fresh[-1].split(" ", 1)[0]


def _timed(line: str) -> str:
    """A JSON line with the kubelet's time as a field of its own; any other as it is."""
    at, _, text = line.partition(" ")
    try:
        fields = json.loads(text)
    except ValueError:
        return line
    return json.dumps({"time": at, **fields}) if isinstance(fields, dict) else line


def open_client(kubeconfig: Path, *, context: str = "") -> httpx.AsyncClient:
    """A client in one of a kubeconfig's contexts, by default the current one."""
    config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))

    def named(kind: str, name: str) -> dict[str, Any]:
        return next(one for one in config[f"{kind}s"] if one["name"] == name)[kind]

    chosen = named("context", context or config["current-context"])
    cluster, user = named("cluster", chosen["cluster"]), named("user", chosen["user"])
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    return httpx.AsyncClient(
        base_url=cluster["server"],
        verify=ssl.create_default_context(cadata=authority),
        headers={"Authorization": f"Bearer {user['token']}"},
        trust_env=False,
    )


async def run_shipper(options: Options, stop: asyncio.Event) -> None:
    """Ship until `stop` is set."""
    options.logs.mkdir(parents=True, exist_ok=True)
    async with open_client(options.kubeconfig) as client:
        shipper = Shipper(client=client, namespace=options.namespace, logs=options.logs)
        await shipper.look()
        process.announce(service="pod-logs", namespace=options.namespace)
        while not await process.stopped_within(stop, _LOOK_SECONDS):
            with contextlib.suppress(httpx.TransportError):
                await shipper.look()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m shop.pod_logs", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--logs", type=Path, required=True, help="folder of the log files")
    process.run(partial(run_shipper, Options(**vars(parser.parse_args(arguments)))))


if __name__ == "__main__":
    main()
