"""Kubernetes: a release of payments that wants a setting nobody gave it, so that its pods crash at start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from shop.pod_logs import open_client

from .programs import Cast, RecipeError, python, together
from .scenario import RECIPE, Announce, Scenario, Words

_GOOD, _BAD = "4.12.1", "4.13.0"
_CLUSTER = RECIPE / "cluster" / "scenarios"
_DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/payments"
_MERGE_PATCH = "application/strategic-merge-patch+json"


@dataclass(slots=True, kw_only=True)
class _Shop:
    """A cluster with payments in it, a shipper of its pods' logs, and search beside them."""

    kubeconfig: Path
    targets: Mapping[str, str]
    sections: Mapping[str, object]

    async def break_it(self) -> None:
        await self.ask("PATCH", (_CLUSTER / f"payments-{_BAD}.json").read_text(encoding="utf-8"))

    async def put_right(self) -> None:
        """The runbook has put the old release back already."""

    async def problems(self) -> Sequence[str]:
        deployment = await self.ask("GET")
        image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        wanted, ready = deployment["spec"]["replicas"], deployment["status"].get("readyReplicas", 0)
        checks = {
            f"payments runs {image}, not {_GOOD}": str(image).endswith(f":{_GOOD}"),
            f"{ready} of {wanted} pods of payments are ready": ready == wanted,
        }
        return [problem for problem, well in checks.items() if not well]

    async def ask(self, method: str, body: str | None = None) -> Any:
        """What the API server answers to CI's own user. Raises RecipeError with its words."""
        try:
            async with open_client(self.kubeconfig, context="admin") as client:
                answer = await client.request(method, _DEPLOYMENT, content=body, headers={"Content-Type": _MERGE_PATCH})
        except httpx.TransportError as error:
            raise RecipeError(f"the cluster cannot be reached: {error!r}") from error
        if not answer.is_success:
            raise RecipeError(f"the cluster refused to {method} payments: {answer.text[:600]}")
        return answer.json()


async def _open(cast: Cast, folder: Path, announce: Announce) -> _Shop:
    announce("Starting a cluster with payments in it, the shipper of its pods' logs and the service search")
    logs, kubeconfig = folder / "logs", folder / "kubeconfig"
    cluster, search = await together(
        cast.start(
            "cluster",
            python(
                *("cluster", "serve", "--scenario", str(_CLUSTER / "payments.yaml"), "--kubeconfig", str(kubeconfig)),
                *("--port", str(cast.free_port()), "--metrics-port", str(cast.free_port())),
            ),
        ),
        cast.start(
            "search", python("shop.bystander", "--log", str(logs / "search.log"), "--port", str(cast.free_port()))
        ),
    )
    shipper = ("--kubeconfig", str(kubeconfig), "--namespace", "shop", "--logs", str(logs))
    await cast.start("pod-logs", python("shop.pod_logs", *shipper))
    metrics = str(cluster.ready["metrics_url"]).removeprefix("http://")
    return _Shop(
        kubeconfig=kubeconfig,
        targets={"payments": metrics, "search": search.address},
        sections={"kubernetes": {"payments": {"namespace": "shop", "kubeconfig": str(kubeconfig)}}},
    )


KUBERNETES = Scenario(
    name="kubernetes",
    alert="KubePodCrashLooping",
    open=_open,
    culprit=f"deploy-payments-{_BAD}",
    release=_BAD,
    healthy_s=20.0,
    words=Words(
        healthy=f"payments {_GOOD} runs in three pods",
        breaking=f"Deploying payments {_BAD}: it wants a setting that nobody gave it, and ends at start",
        asking="rolls the deployment back",
        helped=f"payments is back at {_GOOD}",
        truth=f"payments {_BAD} wants a setting that nobody gave it, and ends at start",
        moved="revision",
    ),
)
