"""What a run keeps, and when a kept answer is used again instead of a model that costs money."""

import json
from dataclasses import replace

import pytest

from bot.core.errors import ModelUnavailableError
from evals.__main__ import main, model_sheet
from evals.bench.endpoint import answer
from evals.casefile import load_case
from evals.kept import OFFLINE, KeptRuns, hash_of
from evals.report import Sheet
from evals.runner import make_desk, run_cases
from evals.scorers import score
from evals.summary import summary
from tests.evals.conftest import CASE
from tests.evals.test_runs import CostlyModel
from tests.support.openai_endpoint import openai_endpoint, says


class Counting(CostlyModel):
    """Counts how often it is asked."""

    asked = 0

    async def complete(self, *args, **more):
        self.asked += 1
        return await super().complete(*args, **more)


class Silent(CostlyModel):
    """Never answers, so that the offline analyst does."""

    async def complete(self, *args, **more):
        raise ModelUnavailableError("it is away")


@pytest.fixture
def case(write_case):
    return load_case(write_case())


def kept_in(folder, *, terms="v1", analyst="costly", fresh=False):
    return KeptRuns(folder=folder, analyst=analyst, terms=terms, fresh=fresh)


async def test_an_answer_is_paid_for_once_and_scored_as_it_was(case, tmp_path):
    model = Counting()
    (first,) = await run_cases([case], make_desk(model=model), kept=kept_in(tmp_path / "out"))
    asked = model.asked

    (again,) = await run_cases([case], make_desk(model=model), max_usd=0.0, kept=kept_in(tmp_path / "out"))

    assert asked > 0
    assert model.asked == asked
    assert score(again) == score(first)
    assert again.assessment == first.assessment


@pytest.mark.parametrize("change", ["terms", "case", "fresh", "broken file"])
async def test_a_kept_answer_to_something_else_is_asked_anew(case, tmp_path, change):
    out, model = tmp_path / "out", Counting()
    await run_cases([case], make_desk(model=model), kept=kept_in(out))
    asked = model.asked
    if change == "case":
        case = replace(case, calls=case.calls[:-1])
    if change == "broken file":
        (out / "costly" / f"{case.slug}.json").write_text('{"key": ')

    await run_cases(
        [case],
        make_desk(model=model),
        kept=kept_in(out, terms="v2" if change == "terms" else "v1", fresh=change == "fresh"),
    )

    assert model.asked > asked


async def test_a_truth_that_was_corrected_is_scored_without_asking_again(case, write_case, tmp_path):
    model = Counting()
    await run_cases([case], make_desk(model=model), kept=kept_in(tmp_path / "out"))
    corrected = replace(
        load_case(write_case("corrected", case=CASE.replace("clear cause", "delayed onset"))), slug=case.slug
    )

    assert kept_in(tmp_path / "out").find(corrected) is not None


async def test_the_offline_analysts_answer_in_a_models_place_is_not_kept(case, tmp_path):
    (run,) = await run_cases([case], make_desk(model=Silent()), kept=kept_in(tmp_path / "out"))

    assert run.assessment.analyst == OFFLINE
    assert kept_in(tmp_path / "out").find(case) is None


async def test_a_model_that_was_asked_once_costs_nothing_the_second_time(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with openai_endpoint() as endpoint:
        for name, value in (("MODEL", "openai/test"), ("BASE_URL", endpoint.url), ("API_KEY", "sk-test")):
            monkeypatch.setenv(f"LLM_{name}", value)
        endpoint.queue(says(answer("confident")))
        first = await model_sheet([case], 1.0, tmp_path / "out", fresh=False)
        again = await model_sheet([case], 1.0, tmp_path / "out", fresh=False)

    assert len(endpoint.requests) == 1
    assert first is not None
    assert again is not None
    assert again.scores == first.scores
    assert again.tokens == first.tokens > 0


async def test_a_model_that_is_away_is_not_passed_off_as_having_answered(case, tmp_path):
    (run,) = await run_cases([case], make_desk(model=Silent()), kept=kept_in(tmp_path / "out"))

    told = summary([Sheet(analyst="silent", runs=[run], scores={case.slug: score(run)})])

    assert "1 answered by the offline analyst" in told.footer[0]


def test_a_changed_prompt_is_another_hash(tmp_path):
    (tmp_path / "one.md").write_text("a")
    before = hash_of([tmp_path])
    (tmp_path / "one.md").write_text("b")

    assert hash_of([tmp_path]) != before


def test_a_run_leaves_a_report_a_chart_and_a_file_a_case(write_case, tmp_path_factory, monkeypatch, capsys):
    cases, out = write_case().parent, tmp_path_factory.mktemp("out")
    monkeypatch.chdir(cases)
    monkeypatch.delenv("LLM_MODEL", raising=False)

    code = main(
        [
            *("--cases", str(cases), "--baseline", str(out / "none.json"), "--out", str(out), "--no-benchmarks"),
        ]
    )

    assert code == 0
    assert "1 of 1 cases right" in capsys.readouterr().out
    assert "| shop-release | clear cause |" in (out / "report.md").read_text()
    assert "![" in (out / "report.md").read_text()
    assert (out / "chart.svg").read_text().startswith("<svg")
    answer = json.loads((out / "offline-analyst" / "shop-release.json").read_text())
    assert answer["scores"]["class"] is True
