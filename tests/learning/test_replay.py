"""Past incidents are reasoned about again, from the record alone, and both answers are held against the cause."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.comparison import Answer, Fate, Pair, total, verdict
from bot.core.digest import model_words
from bot.core.errors import ConfigError
from bot.core.grading import Said
from bot.core.hypothesis import CauseClass, Usage
from bot.core.outcome import Grade, GradedBy, OutcomeForm
from bot.flows.learning.replay import ReplayWish
from tests.learning.lab import LEAK, POOL, RIGHT, SEARCH, blames, open_lab
from tests.support.openai_endpoint import broken, calls, openai_endpoint, says

ROOT = Path(__file__).parents[2]
UNKNOWN = {**LEAK, "title": "No telling", "cause_class": "unknown", "suspect": None, "claims": []}
SURE_POOL = {**POOL, "confidence": 0.95}
PRICED = "openai/gpt-4o"


@pytest.fixture
async def endpoint():
    async with openai_endpoint() as one:
        yield one


def aiops(folder, *args, **environment):
    """Run a command in a folder with nothing set but what is given."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *args],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COLUMNS": "200"} | environment,
        capture_output=True,
        text=True,
        timeout=90,
    )


# --- without a model -------------------------------------------------------------------------------------------------


async def test_the_offline_analyst_says_the_same_again_without_posting_asking_or_spending(tmp_path, database_url):
    async with open_lab(tmp_path, database_url) as lab:
        incident = await lab.triage()
        await lab.label(incident)
        asked, told = len(lab.world.calls), "select operation, version from aiops.post order by 1"
        before = lab.rows(told)
        report = await lab.core.experiments.replay(ReplayWish(offline=True))

        assert len(lab.world.calls) == asked
        assert lab.rows(told) == before
        assert lab.rows("select count(*) from aiops.budget_entry") == [(0,)]

    (pair,) = report.pairs
    assert report.new == "offline analyst"
    assert (pair.incident_id, pair.cause) == (incident, RIGHT.cause)
    assert (
        pair.new.said
        == pair.old.said
        == Said(cause_class=CauseClass.DEPLOY, component="checkout", change_id="dep-4812")
    )
    assert (pair.old.grade, pair.new.grade, pair.fate) == (Grade.EXACT, Grade.EXACT, Fate.SAME)
    assert report.totals.difference.n == 1
    assert report.totals.cost_new_usd == 0


async def test_the_command_prints_the_table_and_is_honest_while_nothing_is_labelled(tmp_path, database_url):
    async with open_lab(tmp_path, database_url) as lab:
        incident = await lab.triage()
        empty = aiops(tmp_path, "replay", DATABASE_URL=database_url)
        await lab.label(incident)
    done = aiops(tmp_path, "replay", "--analyst", "offline", DATABASE_URL=database_url)
    as_json = aiops(tmp_path, "replay", "--analyst", "offline", "--json", DATABASE_URL=database_url)

    assert empty.returncode == 1
    assert "no investigation with a kept world and a recorded root cause yet" in " ".join(empty.stdout.split())
    assert done.returncode == 0, done.stderr
    assert re.search(rf"{incident}\s+Release 2\.31\.0 of checkout leaks .*100 \(match\).*same", done.stdout)
    assert "No difference shown: +0% helpful" in done.stdout
    assert "n=1" in done.stdout
    assert json.loads(as_json.stdout)["totals"]["same"] == 1


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--prompt", "triage@1"], "A prompt is for a model: set LLM_MODEL, or give --model NAME"),
        (["--prompt", "triage@99", "--model", "x"], "there is no prompt triage@99; there are: "),
        (["--analyst", "offline", "--model", "x"], "takes neither --model nor --prompt"),
        (["--analyst", "online"], "--analyst is offline or left out, not 'online'"),
        (["--since", "yesterday"], "--since is a day such as 2026-11-01, not 'yesterday'"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_with_a_sentence(tmp_path, module_database, args, told):
    done = aiops(tmp_path, "replay", *args, DATABASE_URL=module_database)

    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


async def test_what_cannot_be_compared_is_left_out_by_name(tmp_path, database_url):
    async with open_lab(tmp_path, database_url) as lab:
        open_end, broken_world = await lab.triage(), await lab.triage()
        await lab.label(open_end, OutcomeForm(cause="", established=False))
        await lab.label(broken_world)
        lab.store_body(broken_world, {"format": 7})
        report = await lab.core.experiments.replay(ReplayWish())

    assert report.pairs == ()
    assert sorted(report.skipped) == [
        f"{open_end}: no root cause was established",
        f"{broken_world}: the stored world has the format 7; this version reads 1",
    ]
    assert verdict(report.totals) == "Nothing could be compared."


# --- with a model ----------------------------------------------------------------------------------------------------


async def test_won_lost_and_same_are_counted_against_the_recorded_cause(tmp_path, database_url, endpoint):
    async with open_lab(tmp_path, database_url, endpoint=endpoint) as lab:
        made = []
        for old in (SEARCH, LEAK, LEAK):
            endpoint.queue(blames(old, POOL))
            made.append(await lab.triage())
            await lab.label(made[-1])
        # The newest is first.
        endpoint.queue(blames(LEAK, POOL), blames(SEARCH, POOL), blames(LEAK, POOL))
        report = await lab.core.experiments.replay(ReplayWish())

    fates = {pair.incident_id: pair.fate for pair in report.pairs}
    assert fates == {made[0]: Fate.WON, made[1]: Fate.LOST, made[2]: Fate.SAME}
    totals = report.totals
    assert (totals.compared, totals.helpful_old, totals.helpful_new) == (3, 2, 2)
    assert totals.difference.value == 0
    assert totals.difference.interval.low < 0 < totals.difference.interval.high
    assert totals.tokens_old > 0
    assert totals.tokens_new > 0
    assert report.new == "scripted with the current prompts"


async def test_look_ups_are_answered_from_the_record_and_what_was_not_recorded_is_counted(
    tmp_path, database_url, endpoint
):
    known = {"service": "checkout", "start": "2026-11-20T09:01:00Z", "end": "2026-11-20T09:02:10Z"}
    async with open_lab(tmp_path, database_url, endpoint=endpoint) as lab:
        endpoint.queue(blames(LEAK, POOL))
        await lab.label(await lab.triage())
        asked = len(lab.world.calls)
        endpoint.requests.clear()
        endpoint.queue(
            blames(LEAK, POOL, verdict="uncertain"),
            calls(("read_logs", known), ("read_logs", {**known, "service": "search"}), ("search_tool_results", {"contains": "too many clients"})),
            blames(LEAK, POOL),
        )  # fmt: skip
        report = await lab.core.experiments.replay(ReplayWish())

        assert len(lab.world.calls) == asked
    told = [one["content"] for one in endpoint.requests[-1]["messages"] if one["role"] == "tool"]
    assert "version=2.31.0" in told[0]
    assert "not recorded" in told[1]
    assert "too many clients already" in told[2]
    assert report.totals.not_recorded == 1
    assert report.pairs[0].not_recorded == ("read_logs",)


async def test_a_model_that_does_not_answer_is_no_verdict_of_the_offline_analyst(tmp_path, database_url, endpoint):
    async with open_lab(tmp_path, database_url, endpoint=endpoint) as lab:
        endpoint.queue(blames(LEAK, POOL))
        await lab.label(await lab.triage())
        endpoint.queue(broken(401, "bad key"))
        report = await lab.core.experiments.replay(ReplayWish())

    (pair,) = report.pairs
    assert pair.fate is Fate.FAILED
    assert "did not answer" in pair.failed
    assert (report.totals.compared, report.totals.failed) == (0, 1)


async def test_a_persons_grade_counts_for_the_same_answer_and_not_for_another(tmp_path, database_url, endpoint):
    async with open_lab(tmp_path, database_url, endpoint=endpoint) as lab:
        for _ in range(2):
            endpoint.queue(blames(LEAK, POOL))
            await lab.label(await lab.triage(), replace(RIGHT, grade=Grade.NEAR))
        endpoint.queue(blames(LEAK, POOL), blames(SEARCH, POOL))
        same, other = (await lab.core.experiments.replay(ReplayWish())).pairs

    assert (same.old.grade, same.old.by) == (Grade.NEAR, GradedBy.PERSON)
    assert (same.new.grade, same.new.by) == (Grade.NEAR, GradedBy.PERSON)
    assert (other.new.grade, other.new.by) == (Grade.WRONG, GradedBy.MATCH)


async def test_what_only_text_can_decide_is_judged_blind_by_the_configured_model(tmp_path, database_url, endpoint):
    async with open_lab(tmp_path, database_url, endpoint=endpoint) as lab:
        endpoint.queue(blames(LEAK, POOL))
        incident = await lab.triage()
        await lab.label(incident, OutcomeForm(cause="The pool was too small all along", grade=Grade.WRONG))
        endpoint.requests.clear()
        endpoint.queue(blames(SURE_POOL, LEAK), says({"grade": 100, "reason": "Both name the pool."}))
        (pair,) = (await lab.core.experiments.replay(ReplayWish())).pairs

    asked = endpoint.requests[-1]["messages"][0]["content"]
    assert (pair.new.grade, pair.new.by, pair.fate) == (Grade.EXACT, GradedBy.JUDGE, Fate.WON)
    assert "The pool was too small all along" in asked
    assert "0.95" not in asked
    assert pair.new.usage.steps == 2


async def test_without_a_judges_answer_it_stays_ungraded(tmp_path, database_url, endpoint):
    async with open_lab(tmp_path, database_url, endpoint=endpoint) as lab:
        endpoint.queue(blames(LEAK, POOL))
        await lab.label(await lab.triage(), OutcomeForm(cause="The pool was too small", grade=Grade.WRONG))
        endpoint.queue(blames(SURE_POOL, LEAK), says("I would rather not say."))
        report = await lab.core.experiments.replay(ReplayWish())

    assert report.pairs[0].fate is Fate.UNGRADED
    assert (report.totals.compared, report.totals.ungraded) == (0, 1)


async def test_naming_no_cause_where_the_old_answer_helped_is_lost(tmp_path, database_url, endpoint):
    async with open_lab(tmp_path, database_url, endpoint=endpoint) as lab:
        endpoint.queue(blames(LEAK, POOL))
        await lab.label(await lab.triage())
        endpoint.queue(blames(UNKNOWN, POOL))
        report = await lab.core.experiments.replay(ReplayWish())

    assert report.pairs[0].fate is Fate.LOST
    assert report.totals.helpful_new == 0


# --- what it may cost ------------------------------------------------------------------------------------------------


async def test_a_run_stops_when_its_money_is_spent_and_says_how_much_is_left(tmp_path, database_url, endpoint):
    async with open_lab(tmp_path, database_url, endpoint=endpoint) as lab:
        for _ in range(3):
            endpoint.queue(blames(LEAK, POOL))
            await lab.label(await lab.triage())
        endpoint.requests.clear()
        endpoint.queue(blames(LEAK, POOL))
        one = await lab.core.experiments.replay(ReplayWish(model=PRICED, max_cost_usd=0.000001))
        none = await lab.core.experiments.replay(ReplayWish(model=PRICED, max_cost_usd=0))

    assert len(endpoint.requests) == 1
    assert one.totals.cost_new_usd > 0
    assert (len(one.pairs), one.left) == (1, 2)
    assert "USD of this run are spent" in one.stopped
    assert (len(none.pairs), none.left) == (0, 3)


async def test_replays_are_counted_by_their_own_agent_and_take_nothing_from_the_incident(
    tmp_path, database_url, endpoint
):
    budgets = {"tokens_per_incident": 12_000, "tokens_per_agent_per_day": 20_000}
    async with open_lab(tmp_path, database_url, endpoint=endpoint, budgets=budgets) as lab:
        endpoint.queue(blames(LEAK, POOL))
        incident = await lab.triage()
        await lab.label(incident)
        reports = []
        for _ in range(7):
            endpoint.clear()
            endpoint.queue(blames(LEAK, POOL))
            reports.append(await lab.core.experiments.replay(ReplayWish()))
        rows = dict(lab.rows("select agent, count(*) from aiops.budget_entry where settled group by 1"))
        endpoint.clear()
        endpoint.queue(blames(LEAK, POOL))
        await lab.core.flows.run_again(incident, user="U1")
        assert await lab.core.flows.investigate_next()
        again = await lab.core.flows.show(incident)

    assert reports[0].stopped == ""
    assert "20000 tokens per agent and day" in reports[-1].stopped
    assert sum(one.totals.tokens_new for one in reports) > budgets["tokens_per_incident"]
    assert rows["triage"] == 1
    assert rows["replay"] == sum(len(one.pairs) for one in reports)
    assert again.assessment.analyst == "scripted"


# --- which prompt ----------------------------------------------------------------------------------------------------


async def test_a_former_version_of_the_prompt_can_be_tried_against_the_current_one(tmp_path, database_url, endpoint):
    prompts = tmp_path / "prompts"
    shutil.copytree(ROOT / "prompts", prompts)
    text = (prompts / "triage.md").read_text(encoding="utf-8")
    version = int(re.search(r"^version: (\d+)$", text, re.MULTILINE)[1])
    former = prompts / "versions" / f"triage@{version}"
    former.mkdir(parents=True, exist_ok=True)
    for path in (prompts / "triage.md", *prompts.glob("_*.jinja2")):
        shutil.copy(path, former)
    text = text.replace(f"version: {version}", f"version: {version + 1}")
    (prompts / "triage.md").write_text(f"{text}\nThink of the moon.\n", encoding="utf-8")
    async with open_lab(tmp_path, database_url, endpoint=endpoint) as lab:
        endpoint.queue(*[blames(LEAK, POOL)] * 3)
        await lab.label(await lab.triage())
        await lab.core.experiments.replay(ReplayWish())
        old = await lab.core.experiments.replay(ReplayWish(prompts=(f"triage@{version}",)))

        with pytest.raises(ConfigError, match="there is no prompt triage@77"):
            await lab.core.experiments.replay(ReplayWish(prompts=("triage@77",)))
    asked = ["Think of the moon." in one["messages"][0]["content"] for one in endpoint.requests]
    assert asked == [True, True, False]
    assert old.new == f"scripted with triage@{version}"


# --- the rules of the table ------------------------------------------------------------------------------------------


def said(grade, *, cause=CauseClass.DEPLOY, **more):
    blamed = None if cause is None else Said(cause_class=cause, component="a")
    values = {
        "title": "t",
        "said": blamed,
        "grade": grade,
        "by": None,
        "usage": Usage(tokens=5, cost_usd=0.5),
        "took_ms": 7,
    }
    return Answer(**{**values, **more})  # fmt: skip


def pair(old, new, **more):
    return Pair(incident_id="INC-1", cause="c", old=old, new=new, **more)


@pytest.mark.parametrize(
    ("old", "new", "fate"),
    [
        (said(Grade.AREA), said(Grade.NEAR), Fate.WON),
        (said(Grade.NEAR), said(Grade.EXACT), Fate.WON),
        (said(Grade.WRONG), said(Grade.AREA), Fate.WON),
        (said(Grade.EXACT), said(Grade.AREA), Fate.LOST),
        (said(Grade.EXACT), said(Grade.NEAR), Fate.LOST),
        (said(Grade.NEAR), said(Grade.NEAR), Fate.SAME),
        (said(None, cause=None), said(Grade.NEAR), Fate.WON),
        (said(Grade.WRONG), said(None, cause=CauseClass.UNKNOWN), Fate.SAME),
        (said(Grade.NEAR), said(None), Fate.UNGRADED),
        (said(None), said(Grade.NEAR), Fate.UNGRADED),
    ],
)
def test_a_pair_is_won_by_helping_or_by_the_better_grade(old, new, fate):
    assert pair(old, new).fate is fate


def test_totals_count_the_money_of_every_pair_and_compare_only_what_is_graded():
    pairs = [
        *[pair(said(Grade.WRONG), said(Grade.EXACT))] * 12,
        pair(said(Grade.EXACT), said(Grade.WRONG)),
        pair(said(Grade.EXACT), said(None), failed="away"),
        pair(said(Grade.EXACT), said(None)),
    ]

    totals = total(pairs)

    assert (totals.compared, totals.won, totals.lost, totals.failed, totals.ungraded) == (13, 12, 1, 1, 1)
    assert totals.cost_new_usd == 7.5
    assert totals.difference.value == pytest.approx(11 / 13)
    assert totals.difference.interval.low > 0
    assert verdict(totals).startswith("Better: +85% helpful (90 %: ")


# --- the model against the offline analyst, week after week ----------------------------------------------------------


async def test_what_the_offline_analyst_blamed_is_kept_and_held_against_the_model_on_the_same_incidents(
    tmp_path, database_url, endpoint
):
    async with open_lab(tmp_path, database_url, endpoint=endpoint) as lab:
        endpoint.queue(blames(LEAK, POOL))
        incident = await lab.triage()
        await lab.label(incident)
        kept = lab.body(incident)["offline"]
        digest = await lab.core.reports.digest("")

    words, _ = model_words(digest)
    assert kept["component"]
    assert (digest.paired.n, digest.paired.won, digest.paired.lost) == (1, 0, 0)
    assert "on the same incidents: +0 points helpful (n=1, 90 %" in words
