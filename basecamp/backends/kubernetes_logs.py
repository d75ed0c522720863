"""What a container wrote, masked."""

from __future__ import annotations

import re
from datetime import datetime

from basecamp.backends.kubernetes import Kubernetes, backend_of, find_pod
from basecamp.backends.kubernetes_client import ApiRefusal, KubernetesApi
from basecamp.backends.kubernetes_masking import mask_text
from basecamp.backends.kubernetes_results import Container, Pod, PodLogLine, PodLogs
from basecamp.backends.kubernetes_views import parse_time
from basecamp.errors import BackendError, BadRequest, nearest

_MOST_BYTES = 1024 * 1024
_MOST_LINE = 2000
_STAMPED = re.compile(r"(?P<at>\d{4}-\d\d-\d\dT\S+?(?:Z|[+-]\d\d:\d\d)) (?P<text>.*)", re.DOTALL)


async def read_pod_logs(
    kubernetes: Kubernetes, service: str, pod: str, container: str, *, previous: bool, tail: int
) -> PodLogs:
    """Lines of the previous run, or of the current one when there was none before.

    Raises BadRequest for a pod or container that is not there, BackendError.
    """
    settings, api = kubernetes.place(service)
    pods = (await kubernetes.load(service)).described_pods()
    if not pods:
        raise BackendError(backend_of(service), "the service has no pods now, so there is nothing to read")
    chosen = find_pod(service, pods, pod) if pod else pods[0]
    name = _container(chosen, container).name
    path = f"/api/v1/namespaces/{settings.namespace}/pods/{chosen.name}/log"
    # One more than asked for tells whether there were more.
    query = {"container": name, "tailLines": str(tail + 1), "timestamps": "true"}
    note: str | None = None
    if previous:
        try:
            text = await _read(api, service, path, {**query, "previous": "true"})
        except ApiRefusal as error:
            if error.code != 400 or "previous terminated container" not in error.words:
                raise
            previous, note = False, f"container {name} has had no previous run; this is its current one"
            text = await _read(api, service, path, query)
    else:
        text = await _read(api, service, path, query)
    lines = _masked(text)
    return PodLogs(
        service=service,
        pod=chosen.name,
        uid=chosen.uid,
        container=name,
        previous=previous,
        lines=lines[-tail:],
        truncated=len(lines) > tail or len(text) >= _MOST_BYTES,
        note=note,
    )


async def _read(api: KubernetesApi, service: str, path: str, query: dict[str, str]) -> str:
    return await api.text(backend_of(service), "GET", path, {**query, "limitBytes": str(_MOST_BYTES)})


def _container(pod: Pod, name: str) -> Container:
    """The one asked for, or the one in most trouble. Raises BadRequest."""
    if not name:
        return max(pod.containers, key=lambda one: (not one.ready and not one.init, one.restarts))
    found = next((one for one in pod.containers if one.name == name), None)
    if found is None:
        hint = nearest(name, [one.name for one in pod.containers])
        raise BadRequest(f"pod {pod.name!r} has no container {name!r}; {hint}")
    return found


def _masked(text: str) -> list[PodLogLine]:
    """Secrets that span lines (a PEM block) are masked before the text is cut into lines."""
    lines = [_line(line) for line in text.splitlines()]
    whole = mask_text("\n".join(line for _, line in lines)).split("\n")
    if len(whole) == len(lines):
        return [PodLogLine(at=at, text=line[:_MOST_LINE]) for (at, _), line in zip(lines, whole, strict=True)]
    return [PodLogLine(at=None, text=line[:_MOST_LINE]) for line in whole]


def _line(text: str) -> tuple[datetime | None, str]:
    found = _STAMPED.fullmatch(text)
    if not found:
        return None, text
    try:
        return parse_time(_whole_micros(found["at"])), found["text"]
    except ValueError:
        return None, text


def _whole_micros(stamp: str) -> str:
    """Nanoseconds are more than datetime holds."""
    return re.sub(r"(\.\d{6})\d+", r"\1", stamp)
