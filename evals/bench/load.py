"""
The sender, a process of its own: raw HTTP/1.1 over kept connections, so that it costs little beside what it measures.

Prints one JSON object: statuses, latencies in ms, the numbers of the deliveries that were answered 200.
"""

import argparse
import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from evals.bench.payloads import Deliveries


@dataclass(slots=True)
class Answers:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    latencies_ms: list[float] = field(default_factory=list[float])
    acked: list[int] = field(default_factory=list[int])
    broken: int = 0
    """Connections that ended in the middle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send. `total` and `per_second` of 0 mean without end and as fast as answers come."""

    port: int
    path: str
    seconds: float
    total: int
    per_second: float
    first: int


async def send(plan: Plan, connections: int, deliveries: Deliveries) -> Answers:
    """Send over so many connections at once until the time or the deliveries end."""
    answers = Answers()
    numbers = itertools.count(plan.first)
    began = time.monotonic()
    await asyncio.gather(*(_connection(plan, deliveries, numbers, began, answers) for _ in range(connections)))
    return answers


async def _connection(
    plan: Plan, deliveries: Deliveries, numbers: Iterator[int], began: float, answers: Answers
) -> None:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", plan.port)
    except OSError:
        answers.broken += 1
        return
    head = (
        f"POST {plan.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ".encode()
    )
    try:
        while time.monotonic() - began < plan.seconds:
            number = next(numbers)
            if plan.total and number >= plan.first + plan.total:
                return
            if plan.per_second:
                due = began + (number - plan.first) / plan.per_second
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            body = deliveries.body(number)
            started = time.perf_counter()
            writer.write(b"%b%d\r\n\r\n%b" % (head, len(body), body))
            status = await _status(reader)
            answers.latencies_ms.append((time.perf_counter() - started) * 1000)
            answers.statuses[status] += 1
            if status == 200:
                answers.acked.append(number)
    except (OSError, EOFError):
        answers.broken += 1
    finally:
        writer.close()


async def _status(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
    await reader.readexactly(length)
    return int(head[9:12])


def main() -> None:
    """`python -m evals.bench.load --port …`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/webhooks/alertmanager")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--total", type=int, default=0)
    parser.add_argument("--per-second", type=float, default=0.0)
    parser.add_argument("--run", default="r")
    parser.add_argument("--services", type=int, default=20)
    args = parser.parse_args()
    plan = Plan(
        port=args.port, path=args.path, seconds=args.seconds, total=args.total, per_second=args.per_second, first=0
    )
    began = time.monotonic()
    answers = asyncio.run(send(plan, args.connections, Deliveries(args.run, services=args.services)))
    told = {
        "seconds": time.monotonic() - began,
        "statuses": {str(status): number for status, number in answers.statuses.items()},
        "latencies_ms": [round(value, 3) for value in answers.latencies_ms],
        "acked": answers.acked,
        "broken": answers.broken,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
