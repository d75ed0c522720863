"""The shop's namespace as the API server tells it, and a cluster where a crash is waited out for long."""

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.kubernetes import (
    SCENARIO,
    Served,
    WallClock,
    World,
    parse_scenario,
    serve_cluster,
    until,
    write_kubeconfig,
)


class Shop:
    """Looks at and changes the namespace past basecamp."""

    def __init__(self, served: Served) -> None:
        self._served = served

    async def _ask(self, method: str, path: str, change: object = None) -> Any:
        trust = ssl.create_default_context(cadata=self._served.authority_pem)
        async with httpx.AsyncClient(verify=trust, trust_env=False) as http:
            answer = await http.request(
                method,
                f"{self._served.url}{path}",
                content=json.dumps(change) if change else None,
                headers={
                    "Authorization": f"Bearer {self._served.tokens['admin']}",
                    "Content-Type": "application/strategic-merge-patch+json",
                },
            )
            answer.raise_for_status()
            return answer.json()

    async def deployment(self) -> Any:
        return await self._ask("GET", "/apis/apps/v1/namespaces/shop/deployments/payments")

    async def image(self) -> str:
        return (await self.deployment())["spec"]["template"]["spec"]["containers"][0]["image"]

    async def pods(self) -> dict[str, Any]:
        """Pods by uid."""
        found = await self._ask("GET", "/api/v1/namespaces/shop/pods")
        return {pod["metadata"]["uid"]: pod for pod in found["items"]}

    async def crashed(self, *, restarts: int = 2) -> set[str]:
        """Wait for pods that were restarted so often; their uids."""

        async def look() -> set[str]:
            return {uid for uid, pod in (await self.pods()).items() if restarts_of(pod) >= restarts}

        return await until(look)

    async def settings(self, data: dict[str, str | None]) -> None:
        """Change the config map."""
        await self._ask("PATCH", "/api/v1/namespaces/shop/configmaps/payments", {"data": data})

    async def delete(self, pod: str) -> None:
        await self._ask("DELETE", f"/api/v1/namespaces/shop/pods/{pod}")


def restarts_of(pod: Any) -> int:
    return sum(status["restartCount"] for status in pod["status"].get("containerStatuses", ()))


@asynccontextmanager
async def long_back_off(folder: Path) -> AsyncIterator[Served]:
    """A cluster whose payments read a config map, and where a pod that crashed twice waits for ten minutes."""
    value = yaml.safe_load(SCENARIO.read_text(encoding="utf-8"))
    value["cluster"] |= {
        "back_off": {"initial_seconds": 600, "most_seconds": 600},
        "start_seconds": 0.05,
        "stop_seconds": 0.05,
    }
    _, crash, serve = value["programs"][0]["behaviours"]
    crash["when"], crash["exit"]["after_seconds"] = {"env_missing": ["PROVIDER_TIMEOUT_MS"]}, 0.1
    serve["ready_after_seconds"] = 0.1
    settings = {"name": "payments", "key": "timeout", "optional": True}
    container = value["objects"][1]["spec"]["template"]["spec"]["containers"][0]
    container["env"].append({"name": "PROVIDER_TIMEOUT_MS", "valueFrom": {"configMapKeyRef": settings}})
    value["objects"].append(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "payments"}, "data": {"timeout": "900"}}
    )
    async with serve_cluster(World(parse_scenario(value), WallClock())) as served:
        write_kubeconfig(folder / "kubeconfig", served, user="oncall")
        yield served
