"""The parts of the benchmarks that do not measure."""

import json
import math
from datetime import UTC, datetime

import httpx
import pytest

from bot.adapters.postmortems import load_postmortem, load_postmortems
from bot.webhook import parse_alertmanager
from evals.bench import load, templating
from evals.bench.corpus import as_markdown, questions, recombined
from evals.bench.endpoint import CALLS, LOOK_UPS, reply
from evals.bench.figures import count, percentile, spread, union_ms
from evals.bench.payloads import ALERTS, Deliveries
from evals.bench.plan import Plan
from evals.bench.programs import ROOT
from evals.bench.report import BEGIN, END, markdown, write
from evals.bench.serving import serving
from evals.bench.standin import SERIES, build


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_a_measured_value(share, value):
    assert value == percentile(list(range(100, 0, -1)), share)


def test_a_percentile_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        percentile([], 0.5)


def test_a_figure_is_judged_by_its_percentile_and_says_the_target():
    values = [1.0] * 94 + [9.0] * 6

    assert (spread("x", values, "s", p95_at_most=5).met, "p95 ≤ 5 s") == (False, "p95 ≤ 5 s")
    assert spread("x", values, "s", p95_at_most=9).met is True
    assert spread("x", values, "s").met is None


def test_nothing_measured_is_a_missed_target():
    nothing = spread("x", [], "s", p95_at_most=5)

    assert (nothing.samples, nothing.met) == (0, False)
    assert math.isnan(nothing.median)


def test_overlapping_intervals_count_once():
    assert union_ms([(5, 8), (0, 2), (1, 3), (6, 7), (10, 11)]) == 7.0


def test_a_delivery_is_a_payload_of_ten_new_alerts():
    deliveries = Deliveries("ab", services=3)

    first, second = (parse_alertmanager(deliveries.body(number)) for number in (0, 4))

    assert len(first.delivery.alerts) == ALERTS
    assert [*first.rejected, *second.rejected] == []
    assert second.delivery.alerts[0].service == "service-001"
    assert deliveries.fingerprints(4) == [alert.fingerprint for alert in second.delivery.alerts]
    assert not set(deliveries.fingerprints(0)) & set(deliveries.fingerprints(4))


async def test_the_sender_counts_answers_and_stops_after_its_total():
    async with serving(build(["service-000"])) as port:
        plan = load.Plan(port=port, path="/webhooks/alertmanager", seconds=20, total=7, per_second=0, first=0)
        answers = await load.send(plan, 3, Deliveries("r", services=2))

    assert answers.statuses == {404: 7}
    assert (len(answers.latencies_ms), answers.acked, answers.broken) == (7, [], 0)


async def test_a_sender_without_a_server_says_that_its_connections_broke():
    plan = load.Plan(port=1, path="/", seconds=5, total=3, per_second=0, first=0)

    assert (await load.send(plan, 2, Deliveries("r", services=1))).broken == 2


async def test_the_stand_in_shows_a_fault_from_its_moment_on():
    transport = httpx.ASGITransport(build(["a", "b"]))
    asked = {"start": "2026-10-01T10:00:00Z", "end": "2026-10-01T10:10:00Z", "step": "60"}
    query = 'rate(http_request_errors_total{service="a"}[40s])'
    onset = datetime(2026, 10, 1, 10, 5, tzinfo=UTC).timestamp()
    async with httpx.AsyncClient(transport=transport, base_url="http://prometheus") as client:
        await client.post("/faults", json={"service": "a", "at": onset})
        names = (await client.get("/api/v1/series", params={"match[]": '{service="a"}'})).json()["data"]
        other = (await client.get("/api/v1/series", params={"match[]": '{service="zz"}'})).json()["data"]
        data = (await client.get("/api/v1/query_range", params={"query": query, **asked})).json()["data"]

    (series,) = data["result"]
    before, after = ([float(v) for at, v in series["values"] if (at >= onset) is late] for late in (False, True))
    assert set(SERIES) == {one["__name__"] for one in names}
    assert other == []
    assert min(after) > 50 * max(before)


def test_recombined_postmortems_are_stable_and_load_as_files(tmp_path):
    real = load_postmortems([ROOT / "postmortems"]).postmortems

    corpus = recombined(real, 40)

    assert corpus == recombined(real, 40)
    assert len({one.id for one in corpus}) == 40
    for one in corpus:
        path = tmp_path / f"{one.id}.md"
        path.write_text(as_markdown(one), encoding="utf-8")
        loaded = load_postmortem(path)
        assert (one.sha256, one.symptom, one.cause) == (loaded.sha256, loaded.symptom, loaded.cause)


def test_questions_are_as_many_as_asked_for():
    real = load_postmortems([ROOT / "postmortems"]).postmortems

    assert len([question for question in questions(real, 12) if question]) == 12


@pytest.mark.parametrize("model", ["plain", "looking"])
def test_the_scripted_model_ends_after_its_calls(model):
    messages, calls = [{"role": "user", "content": "go"}], 0
    while calls < 20:
        said = reply(model, messages)
        calls += 1
        messages.append(said)
        messages += [{"role": "tool", "content": "x"} for _ in said.get("tool_calls", [])]
        if not said.get("tool_calls"):
            if json.loads(said["content"])["verdict"] == "confident":
                break
            messages.append({"role": "user", "content": "look"})

    assert CALLS[model] == calls
    assert (LOOK_UPS if model == "looking" else 0) == sum(one["role"] == "tool" for one in messages)


def test_the_page_keeps_its_words_and_the_measurements_that_were_not_made_again(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\n{END}\nafter\n", encoding="utf-8")
    figures = [count("lost", 0, "", samples=12, target="0", met=True), spread("slow", [3.0], "s", p95_at_most=1)]
    text = markdown(figures, at=datetime(2026, 10, 1, tzinfo=UTC), quick=True)

    write(page, {"kill": text, "start": "old"})
    write(page, {"start": "new"})
    shown = page.read_text(encoding="utf-8")

    assert shown.startswith(f"before\n{BEGIN}\n<!-- kill: begin -->\nMeasured on 2026-10-01")
    assert shown.endswith(f"{END}\nafter\n")
    assert "| lost | 12 | 0 | – | – |  | 0 | met |" in shown
    assert "missed" in shown
    assert "new" in shown
    assert "old" not in shown


def test_a_page_without_markers_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("words\n", encoding="utf-8")

    with pytest.raises(ValueError, match="has no lines"):
        write(page, {})


async def test_log_templates_are_measured_on_three_corpora(tmp_path):
    figures = await templating.measure(Plan(folder=tmp_path, quick=True, say=lambda _: None))

    assert [one.what.split(",")[1].split(":")[0].strip() for one in figures] == list(templating.CORPORA)
    assert all(one.median > 0 and one.met is not None for one in figures)
    assert "2,000 lines become 6 templates" in figures[0].note
    assert "2,000 lines become 2,000 templates" in figures[2].note
