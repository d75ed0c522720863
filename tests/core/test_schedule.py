"""A moment in every week."""

from datetime import UTC, datetime

import pytest

from bot.core.schedule import parse_weekly


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("mon 09:00 UTC", datetime(2026, 11, 23, 9, 0, tzinfo=UTC)),
        ("Monday 9:00", datetime(2026, 11, 23, 9, 0, tzinfo=UTC)),
        ("  fri 16:30 Europe/Berlin ", datetime(2026, 11, 27, 15, 30, tzinfo=UTC)),
        ("sun 23:59 America/New_York", datetime(2026, 11, 30, 4, 59, tzinfo=UTC)),
        ("mon 00:00 Pacific/Auckland", datetime(2026, 11, 22, 11, 0, tzinfo=UTC)),
    ],
)
def test_a_moment_is_found_in_the_week_as_its_own_zone_counts_weeks(text, moment):
    assert parse_weekly(text).this_week(datetime(2026, 11, 25, 12, 0, tzinfo=UTC)) == moment


def test_the_clocks_that_are_turned_keep_the_local_time():
    weekly = parse_weekly("mon 09:00 Europe/Berlin")

    assert weekly.this_week(datetime(2026, 10, 20, tzinfo=UTC)) == datetime(2026, 10, 19, 7, 0, tzinfo=UTC)
    assert weekly.this_week(datetime(2026, 10, 27, tzinfo=UTC)) == datetime(2026, 10, 26, 8, 0, tzinfo=UTC)


def test_a_week_is_the_zones_own_over_the_turn_of_the_year_too():
    auckland = parse_weekly("mon 09:00 Pacific/Auckland")

    assert auckland.week(datetime(2026, 11, 22, 12, 0, tzinfo=UTC)) == "2026-W48"
    assert parse_weekly("mon 09:00").week(datetime(2026, 11, 22, 12, 0, tzinfo=UTC)) == "2026-W47"
    assert parse_weekly("mon 09:00").week(datetime(2027, 1, 2, tzinfo=UTC)) == "2026-W53"


END_OF_W48 = datetime(2026, 11, 29, 23, 59, 59, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "mon 09:00 UTC",
        "mon 08:00 Asia/Tokyo",
        "mon 09:00 Australia/Sydney",
        "mon 00:30 Europe/Berlin",
        "mon 18:00 America/Los_Angeles",
        "wed 23:30 America/Los_Angeles",
        "tue 01:00 Pacific/Auckland",
    ],
)
def test_a_report_early_in_the_week_is_of_the_week_before_as_its_zone_names_it(text):
    weekly = parse_weekly(text)
    now = weekly.this_week(datetime(2026, 12, 2, 12, tzinfo=UTC))

    assert weekly.week(now) == "2026-W49"
    assert weekly.reported(now) == END_OF_W48


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("fri 16:30 Europe/Berlin", datetime(2026, 11, 27, 15, 30, tzinfo=UTC)),
        ("thu 08:00 Asia/Tokyo", datetime(2026, 11, 25, 23, 0, tzinfo=UTC)),
        ("sun 23:00 America/Los_Angeles", END_OF_W48),
    ],
)
def test_a_report_late_in_the_week_is_of_that_week_so_far(text, until):
    weekly = parse_weekly(text)

    assert weekly.reported(weekly.this_week(datetime(2026, 11, 26, 12, tzinfo=UTC))) == until


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no weekly moment"),
        ("mon", "no weekly moment"),
        ("09:00 mon", "no weekly moment"),
        ("mon 09:00 UTC please", "no weekly moment"),
        ("xyz 09:00 UTC", "'xyz' is no weekday"),
        ("mon 24:00 UTC", "24:00 is no time of day"),
        ("mon 09:60 UTC", "09:60 is no time of day"),
        ("mon 09:00 Europe/Berlim", "'Europe/Berlim' is no time zone"),
        ("mon 09:00 ../etc/passwd", "is no time zone"),
    ],
)
def test_what_is_no_moment_is_refused_with_the_reason_and_examples(text, why):
    with pytest.raises(ValueError, match="mon 09:00 UTC") as caught:
        parse_weekly(text)

    assert why in str(caught.value)
