"""GET …/pods/NAME/log."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request

from . import errors
from .clock import micro_stamp, parse_stamp
from .containers import Container, Phase, Run
from .errors import JsonObject
from .kubelet import Kubelet
from .requests import whole_number

_LOOK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class LogWish:
    """Which lines of which container."""

    pod: JsonObject
    container: str
    previous: bool
    follow: bool
    timestamps: bool
    tail: int | None
    most_bytes: int | None
    since: datetime | None


def read_log_wish(request: Request, pod: JsonObject, now: datetime) -> LogWish:
    """The query of a log request. Raises ApiError (400)."""
    query = request.query_params
    names = [one["name"] for one in pod["spec"]["containers"]]
    pod_name, name = pod["metadata"]["name"], query.get("container") or ""
    if not name:
        if len(names) > 1:
            listed = " ".join(names)
            raise errors.bad_request(
                f"a container name must be specified for pod {pod_name}, choose one of: [{listed}]"
            )
        name = names[0]
    if name not in names:
        raise errors.bad_request(f"container {name} is not valid for pod {pod_name}")
    age, since = whole_number(request, "sinceSeconds"), query.get("sinceTime")
    try:
        after = now - timedelta(seconds=age) if age is not None else parse_stamp(since) if since else None
    except ValueError as error:
        raise errors.bad_request(f"sinceTime: {error}") from None
    return LogWish(
        pod=pod,
        container=name,
        previous=_yes(query.get("previous")),
        follow=_yes(query.get("follow")),
        timestamps=_yes(query.get("timestamps")),
        tail=whole_number(request, "tailLines"),
        most_bytes=whole_number(request, "limitBytes"),
        since=after,
    )


def find_run(kubelet: Kubelet, wish: LogWish) -> Run:
    """The run whose lines are wanted. Raises ApiError (400) when there is none."""
    meta = wish.pod["metadata"]
    container = kubelet.find_container(meta["uid"], wish.container)
    if wish.previous:
        if container is None or container.previous is None:
            raise errors.bad_request(
                f'previous terminated container "{wish.container}" in pod "{meta["name"]}" not found'
            )
        return container.previous
    # While a container backs off, what its last run wrote is the current log.
    run = container and (container.current or container.previous)
    if container is None or run is None:
        reason = container.blocked[0] if container else "ContainerCreating"
        words = f'container "{wish.container}" in pod "{meta["name"]}" is waiting to start: {reason}'
        raise errors.bad_request(words)
    return run


async def log_lines(kubelet: Kubelet, wish: LogWish, run: Run) -> AsyncGenerator[bytes]:
    """The lines, and with follow those to come until the container ends."""
    chosen = [line for line in run.log if wish.since is None or line[0] >= wish.since]
    if wish.tail is not None:
        chosen = chosen[-wish.tail :] if wish.tail > 0 else []
    text = b"".join(_line(wish, line) for line in chosen)
    yield text[: wish.most_bytes] if wish.most_bytes is not None else text
    sent = len(run.log)
    while wish.follow and not wish.previous:
        container = kubelet.find_container(wish.pod["metadata"]["uid"], wish.container)
        for line in run.log[sent:]:
            yield _line(wish, line)
        sent = len(run.log)
        if not _goes_on(container, run):
            return
        await asyncio.sleep(_LOOK_S)


def _goes_on(container: Container | None, run: Run) -> bool:
    return container is not None and container.current is run and container.phase is Phase.RUNNING


def _line(wish: LogWish, line: tuple[datetime, str]) -> bytes:
    at, text = line
    return (f"{micro_stamp(at)} {text}\n" if wish.timestamps else f"{text}\n").encode()


def _yes(text: str | None) -> bool:
    return (text or "").lower() in ("true", "1")
