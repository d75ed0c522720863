"""Every investigation keeps what it knew, so that the reasoning can be run again."""

import json

import pytest

from bot.agent.recordings import find, record
from bot.agent.world import MOST_CHARS, read_world, with_results
from bot.core.errors import PayloadError
from bot.core.evidence import EvidenceKind
from bot.ports import ToolCallEntry
from tests.agent.worlds import leak_world
from tests.learning.lab import LEAK, POOL, blames, open_lab
from tests.support.openai_endpoint import calls, openai_endpoint

SECRET = "hunter2-Tr0ub4dor"
LOOK = {"service": "checkout", "start": "2026-11-20T09:01:00Z", "end": "2026-11-20T09:02:20Z", "contains": "started"}


def entry(tool="read_logs", text="{}", outcome="ok", **args):
    return ToolCallEntry(tool=tool, args=args, outcome=outcome, text=text, took_ms=3)


async def test_an_investigation_keeps_brief_evidence_runbook_similar_and_what_it_came_to(tmp_path, database_url):
    async with open_lab(tmp_path, database_url) as lab:
        incident = await lab.triage()
        kept = read_world(lab.body(incident))
        shown = await lab.core.flows.show(incident)

    assert kept.world.brief.incident.id == incident
    assert [one.name for one in kept.world.brief.alerts] == ["PostgresConnectionsExhausted"]
    assert kept.world.pack == shown.pack
    assert kept.world.case.runbook is not None
    assert "## " in kept.world.case.runbook.source
    assert len(kept.world.case.runbook.sha256) == 64
    assert kept.assessment.hypotheses == shown.assessment.hypotheses
    assert "checkout" in kept.world.services
    asked = {(one.tool, one.args.get("service")) for one in kept.results}
    assert {("list_services", None), ("read_logs", "checkout"), ("pg_activity", "orders-db")} <= asked
    assert kept.left_out == ()


async def test_the_models_own_look_ups_prompt_and_usage_are_kept_apart_from_the_gathered_pack(tmp_path, database_url):
    async with openai_endpoint() as endpoint, open_lab(tmp_path, database_url, endpoint=endpoint) as lab:
        endpoint.queue(blames(LEAK, POOL, verdict="uncertain"), calls(("read_logs", LOOK)), blames(LEAK, POOL))
        incident = await lab.triage()
        kept = read_world(lab.body(incident))
        shown = await lab.core.flows.show(incident)

    assert kept.results[-1].args == LOOK
    assert "version=2.31.0" in kept.results[-1].text
    assert EvidenceKind.TOOL in {one.kind for one in shown.pack.evidence}
    assert EvidenceKind.TOOL not in {one.kind for one in kept.world.pack.evidence}
    assert kept.assessment.prompt.name == "triage"
    assert kept.assessment.analyst == "scripted"
    assert kept.assessment.usage.steps == 3


async def test_a_secret_that_a_tool_let_slip_is_not_in_the_world(tmp_path, database_url):
    world = leak_world()
    world.logs["checkout"].append(
        {"at": "2026-11-20T09:02:04Z", "level": "ERROR", "service": "checkout", "text": f"failed password={SECRET}"}
    )
    async with open_lab(tmp_path, database_url, world=world) as lab:
        incident = await lab.triage()
        body = json.dumps(lab.body(incident))

    assert SECRET not in body
    assert "[secret:" in body


async def test_a_world_is_written_once_and_a_second_look_keeps_its_own(tmp_path, database_url):
    async with open_lab(tmp_path, database_url) as lab:
        incident = await lab.triage()
        first = lab.body(incident)
        await lab.core.flows.run_again(incident, user="U1")
        assert await lab.core.flows.investigate_next()
        rows = lab.rows("select investigation_id, body from aiops.world order by 1")

    assert [name for name, _ in rows] == [f"{incident}.1", f"{incident}.2"]
    assert rows[0][1] == first


def test_answers_that_do_not_fit_are_left_out_whole_short_ones_first_and_named():
    small, large = entry(text="x" * 100, service="a"), entry("read_metrics", text="y" * 900, service="b")

    body = with_results({}, [large, small], most=500)

    assert [one["tool"] for one in body["results"]] == ["read_logs"]
    assert body["left_out"] == ['the answer of read_metrics{"service": "b"} is left out: 900 characters']
    assert len(with_results({}, [entry(text="x" * MOST_CHARS)])["results"]) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 9}, "has the format 9; this version reads 1"),
        ({"world": {"brief": 3}}, "cannot be read at brief"),
    ],
)
def test_a_world_that_cannot_be_read_says_where(change, told):
    body = {"format": 1, "world": {}, "assessment": {}, **change}

    with pytest.raises(PayloadError, match=told):
        read_world(body)


# --- answering again from the record ---------------------------------------------------------------------------------


def lines(*seconds):
    return [{"at": f"2026-11-20T09:00:{second:02}+00:00", "text": f"line {second}"} for second in seconds]


def logs(start, end, *seconds):
    text = json.dumps({"lines": lines(*seconds)})
    return entry(text=text, service="a", start=f"2026-11-20T09:00:{start:02}Z", end=f"2026-11-20T09:00:{end:02}Z")


def test_two_answers_to_one_question_are_joined_without_doubles_and_cut_to_the_asked_time():
    known = record([logs(0, 20, 5, 15), logs(10, 40, 15, 30)])

    whole = find(known, "read_logs", {"service": "a"})
    cut = find(known, "read_logs", {"service": "a", "start": "2026-11-20T09:00:10Z", "end": "2026-11-20T09:00:30Z"})

    assert len(known) == 1
    assert [one["text"] for one in whole.answer["lines"]] == ["line 5", "line 15", "line 30"]
    assert [one["text"] for one in cut.answer["lines"]] == ["line 15"]
    assert json.loads(cut.text) == cut.answer


@pytest.mark.parametrize(
    "args",
    [
        {"service": "b"},
        {"service": "a", "contains": "x"},
        {"service": "a", "start": "2026-11-20T10:00:00Z", "end": "2026-11-20T10:10:00Z"},
    ],
)
def test_another_question_or_another_time_was_not_recorded(args):
    assert find(record([logs(0, 20, 5)]), "read_logs", args) is None


def test_series_are_joined_point_by_point_and_an_answer_wins_over_an_error():
    def series(*points):
        return json.dumps({"series": [{"name": "up", "labels": {"i": "1"}, "points": [list(one) for one in points]}]})

    known = record(
        [
            entry("read_metrics", "away", "error", service="a"),
            entry("read_metrics", series((1.0, 2.0), (2.0, 3.0)), service="a"),
            entry("read_metrics", series((2.0, 3.0), (3.0, 4.0)), service="a"),
            entry("read_metrics", "away again", "error", service="a"),
            entry("read_metrics", "away", "error", service="b"),
        ]
    )

    assert known[0].answer["series"][0]["points"] == [[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]
    assert known[1].error == "away"


def test_an_answer_that_is_no_object_is_read_as_the_tools_adapter_reads_it():
    (listed, prose) = record([entry("a", "[1, 2]"), entry("b", "plain words")])

    assert listed.answer == {"result": [1, 2]}
    assert prose.answer is None
    assert prose.text == "plain words"
