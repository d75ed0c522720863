"""Answers that are too large for a case lose lines and points evenly, and say so."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.flows.learning.slim import slim


def logs(count, size=100, **args):
    lines = [{"at": f"2026-10-01T10:{n // 60:02d}:{n % 60:02d}Z", "level": "info", "text": f"{n} " + "x" * size} for n in range(count)]  # fmt: skip
    return {"tool": "read_logs", "args": {"service": "shop", **args}, "answer": {"lines": lines, "truncated": False}}


def points(count):
    series = [{"name": "up", "labels": {}, "points": [[float(n), 1.0] for n in range(count)]}]
    return {"tool": "read_metrics", "args": {"service": "shop"}, "answer": {"series": series}}


def test_what_fits_stays_as_it_was():
    calls = [logs(50), points(30), {"tool": "read_logs", "args": {}, "error": "away"}]

    assert slim(calls) == (calls, [])


def test_the_largest_answer_gives_evenly_and_it_is_told_how_much():
    kept, notes = slim([logs(1000), points(40)], most=60_000)

    lines = kept[0]["answer"]["lines"]
    numbers = [int(line["text"].split()[0]) for line in lines]
    gaps = [after - before for before, after in pairwise(numbers)]
    assert len(json.dumps(kept)) <= 61_000
    assert max(gaps) <= 2 * (1000 // len(numbers) + 1)
    assert numbers[0] == 0
    assert numbers[-1] > 990
    assert kept[1] == points(40)
    assert notes == [
        f'{1000 - len(lines)} of 1000 lines or points of read_logs{{"service": "shop"}} are left out, evenly over time'
    ]


@given(st.lists(st.integers(0, 200), max_size=5), st.integers(0, 20_000))
def test_it_always_ends_within_the_limit_or_with_a_line_or_point_of_each(counts, most):
    kept, _ = slim([*(logs(count) for count in counts), points(7)], most=most)

    whole = sum(len(json.dumps(call, ensure_ascii=False)) for call in kept)
    longest = max(
        [len(call["answer"]["lines"]) for call in kept[:-1]] + [len(kept[-1]["answer"]["series"][0]["points"])]
    )
    assert whole <= most or longest <= 1
