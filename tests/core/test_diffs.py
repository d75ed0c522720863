import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.diffs import read_change


def diff(*lines, path="src/app.py"):
    return "\n".join([f"--- a/{path}", f"+++ b/{path}", "@@ -1 +1 @@", *lines])


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        (diff("-  lifetime: 15m", "+  lifetime: 15s", path="cache.yaml"), "lowers lifetime from 15m to 15s"),
        (diff("-    max_workers = 50", "+    max_workers = 5"), "lowers max_workers from 50 to 5"),
        (diff("-  wait = 30 * time.Second", "+  wait = 10 * time.Millisecond"), "lowers wait"),
        (diff("-  verbosity: info", "+  verbosity: debug", path="conf.yaml"), "turns verbosity from info to debug"),
        (diff("-  self.guard.lock()", " self.n += 1"), "takes away a lock"),
        (diff("-  return query(sql + ' LIMIT 50')", "+  return query(sql)"), "takes away a bound (limit)"),
        (diff(" def start():", "-    register_workers(pool)", "     log()"), "no longer calls register_workers"),
        (diff('-  "colour": text', '+  "color": text'), 'renames "colour" to "color"'),
        (diff("-  if count < most:", "+  if count <= most:"), "turns a condition around"),
        (diff(" for one in rows:", "+    price = client.fetch_price(one.sku)", " return rows"), "inside a loop"),
        (diff("+seen = []", "+def note(x):", "+    seen.append(x)"), "keeps adding to seen"),
        (diff("-  example.org/kit v1.4.0", "+  example.org/kit v2.0.0", path="go.mod"), "from v1.4.0 to v2.0.0"),
        (diff("+ALTER TABLE orders ALTER COLUMN note TYPE text", path="m.sql"), "rewrites or locks a table"),
        (diff("+  mutex.lock()", " total += 1"), "takes a lock"),
    ],
)  # fmt: skip
def test_what_is_dangerous_in_a_diff_is_named(detail, said):
    nature = read_change("commit", "tidy up", detail)

    assert any(said in one for one in nature.reasons), nature
    assert nature.risk >= 0.45


@pytest.mark.parametrize(
    "detail",
    [
        diff("-old words", "+new words", path="docs/guide.md"),
        diff("-assert 1 == 1", "+assert 2 == 2", path="tests/test_app.py"),
        diff("-  # said so", "+  # says so"),
        diff('-  log.debug("x %s", x)', '+  log.info("x %s of %s", x, y)'),
        diff("-  b = 1", "-  a = 2", "+  a = 2", "+  b = 1"),
        diff("-import os", "+import sys"),
    ],
)
def test_a_diff_in_which_nothing_runs_differently_is_harmless(detail):
    assert read_change("commit", "Lower the limit from 50 to 1", detail).risk <= 0.05


def test_moving_code_into_a_function_is_less_dangerous_than_taking_a_bound_away():
    moved = diff(
        "-  a = load(x)", "-  return a", "+  return fetch(x)", "+def fetch(x):", "+  a = load(x)", "+  return a"
    )

    assert read_change("commit", "", moved).risk <= 0.3


def test_a_value_that_hardly_changes_is_not_dangerous():
    assert read_change("commit", "", diff("-  size: 50000", "+  size: 60000", path="c.yaml")).risk < 0.2


def test_without_a_diff_the_words_tell_which_value_was_changed():
    nature = read_change("config", "Cache lifetime lowered from 300 s to 3 s", "stock.cache.ttl 300 -> 3")

    assert nature.moved == ((300.0, 3.0), (300.0, 3.0))
    assert nature.risk > 0.9
    assert not nature.read


def test_that_a_flag_was_turned_on_says_nothing():
    assert read_change("flag", "carousel off->on", "").risk == read_change("flag", "carousel", "").risk


def test_numbers_that_changed_are_kept_for_comparison_with_metrics():
    assert read_change("commit", "", diff("-const ceiling = 50", "+const ceiling = 10")).moved == ((50.0, 10.0),)


@given(
    st.sampled_from(["commit", "deploy", "config", "flag", "scale", "migration"]),
    st.text(max_size=200),
    st.text(max_size=600),
)
def test_any_text_is_read_without_failing(kind, title, detail):
    assert 0 <= read_change(kind, title, detail).risk <= 1
    assert (
        0
        <= read_change(
            kind, title, "@@\n" + "\n".join("+-"[place % 2] + line for place, line in enumerate(detail.split()))
        ).risk
        <= 1
    )


def test_a_huge_diff_is_read_as_far_as_pairing_lines_stays_cheap():
    lines = [f"{sign}  value_{place} = {place}" for place in range(20_000) for sign in "-+"]

    assert 0 <= read_change("commit", "", diff(*lines)).risk <= 1
