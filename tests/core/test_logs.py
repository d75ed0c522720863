from datetime import UTC, datetime, timedelta

import pytest

from bot.core.loglines import LogRecord, join_lines
from bot.core.logs import Trend, mask, rank_templates, template_of

ONSET = datetime(2026, 11, 20, 9, 2, tzinfo=UTC)


def record(seconds, text, *, level="ERROR", service="web"):
    return LogRecord(at=ONSET + timedelta(seconds=seconds), level=level, service=service, text=text)


def ranked(*records):
    return rank_templates(records, boundary=ONSET)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("took 42 ms", "took <n> ms"),
        ("order=5123 sku=sku-017", "order=<n> sku=sku-<n>"),
        ("id 0b0f2c5e-8a6b-4f4d-9a63-0b0f2c5e8a6b gone", "id <uuid> gone"),
        ("from 10.2.3.4:5432", "from <ip>"),
        ("at 2026-11-20T09:01:02.123Z it began", "at <time> it began"),
        ("commit 9f8e7d6c5b4a39281706", "commit <hex>"),
        ("relation 'orders' and \"stock\"", "relation <text> and <text>"),
        ("checkout started version=2.31.0", "checkout started version=2.31.0"),
    ],
)
def test_variable_parts_are_masked_and_versions_are_kept(text, masked):
    assert mask(text) == masked


def test_a_traceback_is_joined_to_its_first_line_and_the_exception_is_kept_whole():
    lines = [
        record(0, "order failed id=7"),
        record(0, "Traceback (most recent call last):"),
        record(0, '  File "a.py", line 3'),
        record(1, "ok"),
    ]
    joined = join_lines(lines)

    assert [one.text.splitlines()[0] for one in joined] == ["order failed id=7", "ok"]
    text = "order failed id=7\nTraceback (most recent call last):\n  File\npsycopg.OperationalError: FATAL: too many clients 17"
    assert template_of(text) == "order failed id=<n> … psycopg.OperationalError: FATAL: too many clients <n>"


def test_lines_of_two_services_are_not_joined_to_one_another():
    joined = join_lines(
        [record(0, "boom", service="a"), record(0, "fine", service="b"), record(0, "  at x", service="a")]
    )

    assert [(one.service, one.text) for one in joined] == [("a", "boom\n  at x"), ("b", "fine")]


def test_a_template_that_was_never_seen_before_is_new_and_comes_first():
    old = [record(t, f"request {t} done", level="INFO") for t in range(-600, 30, 10)]
    first = ranked(*old, *[record(t, f"cannot connect, attempt {t}") for t in range(5)])[0]

    assert first.trend is Trend.NEW
    assert first.template == "cannot connect, attempt <n>"
    assert (first.before, first.after) == (0, 5)


def test_a_template_that_comes_much_more_often_is_surging():
    old = [record(t, "timeout talking to db") for t in range(-600, 0, 100)]
    (one,) = ranked(*old, *[record(t, "timeout talking to db") for t in range(0, 60, 2)])

    assert one.trend is Trend.SURGING


def test_a_steady_error_is_not_called_new():
    (one,) = ranked(*[record(t, "flaky thing failed") for t in range(-600, 60, 10)])

    assert one.trend is Trend.STEADY


def test_without_anything_before_nothing_is_called_new():
    (one,) = ranked(*[record(t, "boom") for t in range(0, 30, 2)])

    assert one.trend is Trend.STEADY


def test_exception_names_are_listed():
    one = ranked(record(-10, "fine", level="INFO"), record(1, "failed: psycopg.OperationalError: no slots"))[0]

    assert one.exceptions == ("psycopg.OperationalError",)


def test_many_lines_are_ranked_in_linear_time():
    lines = [
        record(-600 + place / 100, f"request {place} took {place % 90} ms", level="INFO") for place in range(60_000)
    ]

    assert len(ranked(*lines)) == 1


def test_lines_that_differ_only_in_a_value_of_the_same_key_are_one_template():
    (one,) = ranked(
        *[
            record(t, f"order paid by user={name} node=n{t}", level="INFO")
            for t, name in enumerate(["ann", "bob", "cyd"])
        ]
    )

    assert one.template == "order paid by user=<*> node=<*>"
    assert one.after == 3


def test_lines_that_differ_in_a_word_stay_apart_since_it_may_be_another_failure():
    found = ranked(record(1, "order failed because stock missing"), record(2, "order failed because stock frozen"))

    assert len(found) == 2


def test_versions_and_exception_names_keep_templates_apart():
    versions = ranked(
        record(1, "worker started with release=2.31.0 ok"), record(2, "worker started with release=2.30.4 ok")
    )
    errors = ranked(record(1, "job stopped by cause=KeyError now"), record(2, "job stopped by cause=IndexError now"))

    assert len(versions) == len(errors) == 2


def test_numbers_with_units_are_masked():
    assert mask("took 42ms for 3.5MiB in 2m, utf8 kept") == "took <n>ms for <n>MiB in <n>m, utf8 kept"


def test_logs_in_which_nothing_repeats_are_compared_with_a_few_templates_only():
    words = ["".join(chr(97 + (place // 26**k) % 26) for k in range(4)) for place in range(4_000)]
    found = ranked(*[record(place / 100, f"{word} is what was said here") for place, word in enumerate(words)])

    assert len(found) == 4_000


def test_when_nothing_is_known_of_the_time_before_an_error_still_counts():
    (alone,) = ranked(record(1, "boom"))
    steady = ranked(record(-5, "boom"), record(-3, "boom"), record(1, "boom"), record(4, "boom"))[0]

    assert alone.weight > steady.weight


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("", ""),
        ("no value at all", "no value at all"),
        ("don't stop 'here now'", "don<text>here now'"),
        ("'" + "x" * 81 + "' 5", "'" + "x" * 81 + "' <n>"),
        (
            "'at 2026-11-20T09:01:02.123Z and 0b0f2c5e-8a6b-4f4d-9a63-0b0f2c5e8a6b and 2026-11-20 09:01:02'",
            "<text>",
        ),
        ("id=0B0F2C5E-8A6B-4F4D-9A63-0B0F2C5E8A6B.", "id=<uuid>."),
        ("0x1Fa2 deadbeef12 deadbeef 12345678 DEADBEEF12", "<hex> <hex> deadbeef <n> DEADBEEF12"),
        ("10.2.3.4:2026-11-20 09:01:02,5 UTC", "<ip>:<time>"),
        ("2026-11-20T09:01:02+01:00|10.2.3.4:80|10.2.3", "<time>|<ip>|10.2.3"),
        (
            "-5 x-5 a=-5 #7 /7/ v7 7v 1.5 1.5.2 -2.5MiB 3µs 7.",
            "<n> x-<n> a=<n> #<n> /<n>/ v7 7v <n> 1.5.2 <n>MiB <n>µs <n>.",
        ),
        ("٣ x-٣", "<n> x-<n>"),
        ('{"n":17,"m":"a\'b"}', "{<text>:<n>,<text>:<text>}"),
    ],
)
def test_masks_stay_as_they_are(text, masked):
    assert mask(text) == masked


def test_a_template_is_found_by_any_word_that_cannot_be_a_value():
    lines = [
        "job a=1 b=2 done",
        "job a=x b=y done",
        "job a=x b=y lost",
        "job a=1 x7 done",
        "job a=1 x8 done",
        "job 7 8 9",
        "job 1 2 3",
    ]
    found = ranked(*[record(place, text) for place, text in enumerate(lines)])

    assert {(one.template, one.after) for one in found} == {
        ("job a=<*> <*> done", 4),
        ("job a=x b=y lost", 1),
        ("job <n> <n> <n>", 2),
    }


def test_a_template_that_is_older_than_the_newest_ones_is_left_alone():
    lines = ["order k=one kept", *[f"order word{'x' * place} kept" for place in range(70)], "order k=two kept"]
    found = ranked(*[record(place / 10, text) for place, text in enumerate(lines)])

    assert [one.template for one in found if " k=" in one.template] == ["order k=one kept", "order k=two kept"]
