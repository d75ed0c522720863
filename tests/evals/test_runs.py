"""Recorded tools, runs, scores and the baseline."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.core.errors import ToolError, ToolUnavailableError
from bot.core.hypothesis import CauseClass, Claim, FirstAction
from bot.ports import ModelReply
from evals.__main__ import main, offline_sheet
from evals.baseline import Baseline, compare, load_baseline, write_baseline
from evals.bench.endpoint import answer
from evals.casefile import load_case, load_cases
from evals.recorded import RecordedTools
from evals.report import Sheet, headline, markdown
from evals.runner import make_desk, run_case, run_cases
from evals.scorers import SCORERS, right, score


@pytest.fixture(scope="module")
def desk():
    return make_desk()


@pytest.fixture
async def run(write_case, desk):
    return await run_case(load_case(write_case()), desk)


def changed(run, **hypothesis):
    """The same run with another first hypothesis."""
    first, *rest = run.assessment.hypotheses
    assessment = replace(run.assessment, hypotheses=(replace(first, **hypothesis), *rest))
    return replace(run, assessment=assessment)


async def test_recorded_answers_do_not_depend_on_the_time_range_and_are_cut_to_it(write_case):
    tools = RecordedTools(load_case(write_case()).calls)

    early = await tools.call("read_logs", {"service": "shop", "start": "2026-10-01T09:30:00Z", "end": "2026-10-01T09:40:00Z", "limit": 500}, timeout_s=1)  # fmt: skip
    late = await tools.call("read_logs", {"service": "shop", "start": "2026-10-01T09:59:00Z", "end": "2026-10-01T10:10:00Z"}, timeout_s=1)  # fmt: skip

    assert len(early.structured["lines"]) == 10
    assert len(late.structured["lines"]) == 25


async def test_a_recorded_error_is_raised_with_its_words(write_case):
    tools = RecordedTools(load_case(write_case()).calls)

    with pytest.raises(ToolError, match="prometheus is away"):
        await tools.call("read_metrics", {"service": "anything"}, timeout_s=1)


async def test_what_was_not_recorded_says_what_was_asked(write_case):
    tools = RecordedTools(load_case(write_case()).calls)

    with pytest.raises(ToolUnavailableError, match=r'read_logs\{"service": "web"\} was not recorded'):
        await tools.call("read_logs", {"service": "web", "start": "x", "end": "y"}, timeout_s=1)


async def test_a_clear_case_is_answered_rightly_by_the_offline_analyst(run):
    scores = dict(score(run))

    assert right(scores)
    assert scores.pop("resists") is None, "nothing is planted in it"
    assert {True} == set(scores.values())


async def test_the_same_case_is_answered_the_same_twice(write_case, desk):
    case = load_case(write_case())

    first, second = await run_cases([case, case], desk)

    assert first.assessment == second.assessment


async def test_a_wrong_class_is_seen(run):
    scores = score(changed(run, cause_class=CauseClass.NETWORK))

    assert (scores["class"], scores["service"]) == (False, True)
    assert not right(scores)


async def test_a_wrong_change_is_seen(run):
    suspect = replace(run.assessment.hypotheses[0].suspect, change_id="dep-9")

    assert score(changed(run, suspect=suspect))["change"] is False


async def test_a_citation_of_nothing_is_seen(run):
    claims = (Claim(text="It is so.", evidence=("E99",)),)

    assert score(changed(run, claims=claims))["cites"] is False


async def test_a_cause_without_any_citation_is_seen(run):
    assert score(changed(run, claims=()))["cites"] is False


async def test_forbidden_words_are_seen_wherever_they_are_said(run):
    action = replace(run, assessment=replace(run.assessment, first_action=FirstAction(text="Stop the Newsletter.")))

    assert score(action)["forbidden"] is False
    assert score(changed(run, title="The newsletter did it"))["forbidden"] is False


async def test_abstaining_from_a_clear_case_is_seen(run):
    assert score(changed(run, cause_class=CauseClass.UNKNOWN, suspect=None))["abstains"] is False


async def test_an_answer_without_hypotheses_has_everything_wrong(run):
    nothing = replace(run, assessment=replace(run.assessment, hypotheses=()))

    assert dict.fromkeys(SCORERS, False) == score(nothing)


async def test_the_money_ends_the_run_before_the_next_case(write_case, desk):
    case = load_case(write_case())

    assert await run_cases([case], desk, max_usd=0.0) == []


def test_the_baseline_tells_worse_better_missing_and_new():
    known = Baseline(analyst="a", cases={"one": {"x": True, "y": False}, "gone": {"x": True}})

    told = compare(known, {"one": {"x": False, "y": True, "z": True}, "fresh": {"x": False}})

    assert (told.worse, told.better, told.missing, told.new) == (("one: x",), ("one: y",), ("gone",), ("fresh",))


def test_a_written_baseline_reads_the_same(tmp_path):
    path = tmp_path / "baseline.json"

    write_baseline("a", {"two": {"x": None}, "one": {"x": True}}, path)

    assert load_baseline(path).cases == {"one": {"x": True}, "two": {"x": None}}


def test_the_committed_baseline_knows_every_shipped_case():
    assert {case.slug for case in load_cases()} == set(load_baseline().cases)


async def test_the_offline_analyst_is_nowhere_worse_than_the_committed_baseline_and_obeys_no_planted_text():
    known = load_baseline()
    cases = [case for case in load_cases() if case.slug in known.cases]

    sheet = await offline_sheet(cases)

    told = compare(known, sheet.scores)
    assert not told.worse, "answers got worse; `make eval` tells more, `python -m evals --update` accepts it"
    assert [slug for slug, scores in sheet.scores.items() if scores["resists"] is False] == []


@pytest.fixture
def command(write_case, tmp_path, tmp_path_factory, monkeypatch):
    """Runs the command on one case, without a model."""
    folder = write_case()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LLM_MODEL", raising=False)
    baseline = tmp_path / "baseline.json"
    known = ["--cases", str(folder.parent), "--baseline", str(baseline), "--out", str(tmp_path_factory.mktemp("out"))]
    return lambda *args: main([*known, *args]), baseline


def test_check_passes_against_its_own_baseline_and_fails_when_something_got_worse(command, capsys):
    run, baseline = command

    assert run("--update", "--json") == 0
    assert run("--check", "--json") == 0
    said = json.loads(capsys.readouterr().out.splitlines()[0])
    assert said["offline analyst"]["shop-release"]["class"] is True

    known = json.loads(baseline.read_text())
    known["cases"]["shop-release"]["gone"] = True
    baseline.write_text(json.dumps(known))

    assert run("--check", "--json") == 1
    assert "worse than the baseline: shop-release: gone" in capsys.readouterr().err


def test_check_fails_when_planted_text_is_obeyed_even_where_the_baseline_does_not_know_better(command, capsys):
    run, baseline = command
    case = baseline.parent / "shop-release" / "case.yaml"
    # Every answer to this case names the shop, so this stands for one that does as the text says.
    case.write_text(case.read_text() + "planted: [shop]\n")

    assert run("--update", "--json") == 0
    assert run("--check", "--json") == 1
    assert "obeyed planted text: shop-release" in capsys.readouterr().err


def test_check_without_a_baseline_fails(command):
    run, _ = command

    assert run("--check", "--json") == 1


def test_a_case_that_cannot_be_used_ends_with_its_place(command, capsys):
    run, baseline = command
    (baseline.parent / "shop-release" / "case.yaml").write_text("title: x\n")

    assert run() == 2
    assert "case.yaml:" in capsys.readouterr().err


class CostlyModel:
    """Answers every question alike, for two cents."""

    name = "costly"

    async def complete(self, messages, *, tools, max_tokens, timeout_s):
        return ModelReply(
            text=answer("confident"),
            tool_calls=(),
            model=self.name,
            tokens_in=900,
            tokens_out=100,
            cost_usd=0.02,
            took_ms=1,
        )


async def test_a_model_is_stopped_by_its_cost_and_what_it_spent_is_shown(write_case):
    case = load_case(write_case())

    runs = await run_cases([case] * 5, make_desk(model=CostlyModel()), max_usd=0.03)

    sheet = Sheet(analyst="costly", runs=runs, scores={case.slug: score(runs[0])}, skipped=3)
    assert len(runs) == 2
    assert (sheet.tokens, sheet.cost_usd) == (2_000, 0.04)
    assert "2,000 tokens, 0.04 USD" in markdown([sheet], at=datetime(2026, 10, 1, tzinfo=UTC))
    assert "3 left out because the money was spent" in headline(sheet)
