from __future__ import annotations

import pytest

from basecamp.logrecords import find_level, parse_line
from tests.basecamp.calls import NOON, at, call, refused
from tests.basecamp.standins import loki, serving

FOLDER = "logs: {folder: logs}\n"


@pytest.fixture
def logs(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


async def test_a_traceback_stays_with_the_record_that_it_belongs_to(connected, logs):
    (logs / "shop.log").write_text(
        f"half of a line from before\n"
        f"{at(0)} INFO ready\n"
        f"{at(1)} ERROR order failed order=7\n"
        "Traceback (most recent call last):\n"
        '  File "shop.py", line 3, in take\n'
        "psycopg.OperationalError: FATAL: sorry, too many clients already\n"
        f"{at(2)} level=warn msg=slow\n"
    )
    async with connected(FOLDER) as client:
        result = await call(client, "read_logs", service="shop", start=at(0), end=at(60))
    assert [line["level"] for line in result["lines"]] == ["info", "error", "warning"]
    assert result["lines"][1]["text"].endswith("too many clients already")
    assert result["lines"][1]["at"] == at(1)
    assert result["truncated"] is False


async def test_only_the_time_range_and_the_text_asked_for_come_back(connected, logs):
    (logs / "shop.log").write_text("".join(f"{at(n)} INFO tick {n % 3}\n" for n in range(100)))
    async with connected(FOLDER) as client:
        result = await call(client, "read_logs", service="shop", start=at(10), end=at(20), contains="tick 1")
    assert [line["at"] for line in result["lines"]] == [at(10), at(13), at(16), at(19)]


async def test_the_newest_records_are_kept_when_there_are_too_many(connected, logs):
    (logs / "shop.log").write_text("".join(f"{at(n)} INFO tick\n" for n in range(50)))
    async with connected(FOLDER) as client:
        result = await call(client, "read_logs", service="shop", start=at(0), end=at(60), limit=5)
    assert [line["at"] for line in result["lines"]] == [at(n) for n in range(45, 50)]
    assert result["truncated"] is True


async def test_a_window_deep_in_a_large_file_is_found(connected, logs):
    padding = "x" * 200
    (logs / "shop.log").write_text("".join(f"{at(n)} INFO {padding} {n}\n" for n in range(20_000)))
    async with connected(FOLDER) as client:
        result = await call(client, "read_logs", service="shop", start=at(15_000), end=at(15_003))
    assert [line["text"].rsplit(" ", 1)[1] for line in result["lines"]] == ["15000", "15001", "15002"]


async def test_files_of_a_service_whose_name_begins_the_same_are_not_mixed_in(connected, logs, tmp_path):
    (tmp_path / "catalog-info.yaml").write_text(
        "kind: Component\nmetadata: {name: orders}\n---\nkind: Component\nmetadata: {name: orders-db}\n"
    )
    (logs / "orders.log").write_text(f"{at(1)} INFO one\n")
    (logs / "orders-2.log").write_text(f"{at(0)} INFO two\n")
    (logs / "orders-db.log").write_text(f"{at(0)} INFO database\n")
    async with connected(FOLDER + "catalog: catalog-info.yaml\n") as client:
        result = await call(client, "read_logs", service="orders", start=at(0), end=at(9))
    assert [line["text"] for line in result["lines"]] == ["INFO two", "INFO one"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"service": "shop", "start": at(5), "end": at(0)}, "is not after start"),
        ({"service": "shop", "start": "2026-01-31T12:00:00", "end": at(0)}, "has no time zone"),
        ({"service": "shop", "start": "noon", "end": at(0)}, "not an RFC 3339 time"),
        ({"service": "shop", "start": at(0), "end": at(90_000)}, "longer than 24 hours"),
        ({"service": "../etc/passwd", "start": at(0), "end": at(1)}, "service is '../etc/passwd'"),
        ({"service": "shop", "start": at(0), "end": at(1), "limit": 0}, "between 1 and 2000"),
        ({"service": "chop", "start": at(0), "end": at(1)}, f"{at(0)} to {at(1)}"),
    ],
)
async def test_a_bad_request_is_told_in_words(connected, logs, arguments, words):
    (logs / "shop.log").write_text(f"{at(0)} INFO ready\n")
    async with connected(FOLDER) as client:
        assert words in await refused(client, "read_logs", **arguments)


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-01-31 12:00:00.000 UTC [71] shop@checkout/2.31.0 FATAL:  sorry, too many clients already", "fatal"),
        ("2026-01-31T13:00:00+01:00 [WARN] slow", "warning"),
        ("time=2026-01-31T12:00:00Z level=error msg=down", "error"),
        ('{"ts": 1769860800, "severity": "ERROR", "msg": "down"}', "error"),
        ('{"@timestamp": "2026-01-31T12:00:00.000Z", "level": "info"}', "info"),
        ("2026-01-31 12:00:00,000 nothing said", "unknown"),
    ],
)
def test_the_usual_forms_of_log_lines_are_read(line, level):
    record = parse_line(line)
    assert (record.at, record.level) == (NOON, level)


@pytest.mark.parametrize("line", ["  File x", "", "{not json", '{"a": 1}', "2026-13-01T00:00:00Z x"])
def test_other_lines_continue_a_record(line):
    assert parse_line(line) is None


def test_an_explicit_level_wins_over_a_word_in_the_message():
    assert find_level("msg='said ERROR once' level=debug") == "debug"


NANO = 1_000_000_000
START = int(NOON.timestamp()) * NANO


async def test_loki_is_asked_as_its_reference_says(connected):
    seen: list[dict[str, str]] = []
    lines = [(START + n * NANO, f'level=info msg="tick {n}"') for n in range(10)]
    async with serving(loki(lines, seen)) as address, connected(f"loki: {{url: {address}}}\n") as client:
        result = await call(client, "read_logs", service="shop", start=at(0), end=at(10), contains='msg="tick', limit=3)
    assert [line["at"] for line in result["lines"]] == [at(7), at(8), at(9)]
    assert {line["level"] for line in result["lines"]} == {"info"}
    assert result["truncated"] is True
    assert seen[0]["limit"] == "4"


async def test_text_that_looks_like_json_is_searched_as_text(connected):
    lines = [(START, '{"order": 7}'), (START + 1, "{}")]
    async with serving(loki(lines, [])) as address, connected(f"loki: {{url: {address}}}\n") as client:
        result = await call(client, "read_logs", service="shop", start=at(0), end=at(10), contains='{"order": 7}')
    assert [line["text"] for line in result["lines"]] == ['{"order": 7}']


async def test_a_loki_that_is_away_is_named_with_query_and_range(connected):
    async with connected("loki: {url: http://127.0.0.1:9}\n") as client:
        words = await refused(client, "read_logs", service="shop", start=at(0), end=at(10))
    assert 'Query: {service="shop"}' in words
    assert f"{at(0)} to {at(10)}" in words
    assert "http://127.0.0.1:9 cannot be reached" in words
