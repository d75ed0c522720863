"""HolmesGPT's cases: a question, recorded tools, an answer, and which expected facts it holds."""

import asyncio
import json

import pytest

from bot.adapters.llm import LiteLlm
from bot.core.errors import ToolUnavailableError
from evals.benchmarks import holmes
from evals.benchmarks.holmes import FOLDER, Limits, answers, ask, rows
from evals.benchmarks.holmes_cases import HolmesTools, questions
from evals.benchmarks.holmes_facts import by_words
from evals.benchmarks.report import run_all
from evals.benchmarks.table import Asking, BenchmarkError, data_folder, read_rows
from tests.support.openai_endpoint import HANG, broken, calls, openai_endpoint, says

LOOK = ("kubectl_describe", {"kind": "Pods", "name": "api-7f9-x2", "namespace": "shop"})
RIGHT = "The pod api-7f9-x2 was killed for memory; its image is registry/api:2.1."


def output(tool, params, text):
    head = {"toolset_name": "kubernetes/core", "tool_name": tool} | ({"match_params": params} if params else {})
    return f"{json.dumps(head)}\n{text}"


def row(**changed):
    return {
        "id": "holmes-1",
        "user_prompt": "What is wrong with the api in namespace shop?",
        "expected_output": ["Mention the image `registry/api:2.1`", "The pod was killed for lack of memory"],
        "skip": None,
        "recorded_outputs": {
            "describe.txt": output(
                "kubectl_describe",
                {"kind": "pod", "name": "api-7f9-x2", "namespace": "shop"},
                "Reason: OOMKilled, image registry/api:2.1",
            ),
            "logs.txt": output("fetch_pod_logs", {"pod_name": "api-7f9-x2", "limit": 100}, "a hundred lines"),
            "older.txt": output("fetch_pod_logs", {"pod_name": "api-7f9-x2", "limit": 5}, "five lines"),
            "all.txt": output("kubectl_get_all", None, "everything"),
        },
        "investigate_request": None,
        "issue_data": None,
        "resource_instructions": None,
    } | changed


@pytest.fixture
async def endpoint():
    async with openai_endpoint() as running:
        yield running


@pytest.fixture
async def model(endpoint):
    asked = LiteLlm("scripted", base_url=endpoint.url, api_key="k")
    yield asked
    await asked.aclose()


def asking(tmp_path, **changed):
    return Asking(**{"out": tmp_path / "out", **changed})


async def test_the_model_looks_with_recorded_tools_and_its_words_are_graded_before_a_judge_is_asked(
    endpoint, model, tmp_path
):
    endpoint.queue(calls(LOOK), says(RIGHT), says({"met": [True]}))

    (found,) = await answers(questions([row()]), model, asking(tmp_path))

    assert found.right
    assert (found.steps, found.judged) == (3, 1)
    _, looked, judge = endpoint.requests
    assert "OOMKilled" in looked["messages"][-1]["content"]
    assert "lack of memory" in judge["messages"][1]["content"]
    assert "registry/api:2.1`" not in judge["messages"][1]["content"], "words settle this one"
    assert "tools" not in judge


async def test_a_judge_that_disagrees_makes_the_case_wrong_and_counts_each_fact(endpoint, model, tmp_path):
    endpoint.queue(says(RIGHT), says({"met": [False]}))

    found = await answers(questions([row()]), model, asking(tmp_path))

    figures = {one.name: (one.figure, one.n) for one in rows(found)}
    assert figures["HolmesGPT cases: every fact in the answer"] == (0.0, 1)
    assert figures["... facts in the answers"] == (0.5, 2)
    assert ".56 to .90" in rows(found)[0].reference


@pytest.mark.parametrize("verdict", ["well done, all of them", {"met": [True, True]}, {"met": "yes"}])
async def test_a_judge_that_cannot_be_read_approves_of_nothing(endpoint, model, tmp_path, verdict):
    endpoint.queue(says(RIGHT), says(verdict))

    (found,) = await answers(questions([row()]), model, asking(tmp_path))

    assert not found.right
    assert dict(found.facts)["The pod was killed for lack of memory"] is False


async def test_the_loop_is_bounded_and_the_last_step_has_no_tools(endpoint, model, tmp_path):
    endpoint.queue(calls(LOOK), calls(LOOK), says("It is the image registry/api:2.1."), says({"met": [False]}))

    (found,) = await answers(questions([row()]), model, asking(tmp_path), limits=Limits(steps=3))

    assert "tools" in endpoint.requests[1]
    assert "tools" not in endpoint.requests[2]
    assert endpoint.requests[2]["messages"][-1]["content"] == holmes.LAST
    assert found.text == "It is the image registry/api:2.1."


async def test_what_was_not_recorded_is_told_to_the_model_as_that(endpoint, model, tmp_path):
    endpoint.queue(
        calls(("kubectl_describe", {"kind": "pod", "name": "other"})), says("I cannot tell."), says({"met": [False]})
    )

    await answers(questions([row()]), model, asking(tmp_path))

    assert endpoint.requests[1]["messages"][-1]["content"].startswith("not recorded:")


async def test_an_answer_is_paid_for_once_until_the_case_changes(endpoint, model, tmp_path):
    endpoint.queue(says(RIGHT), says({"met": [True]}))
    first = await answers(questions([row()]), model, asking(tmp_path))

    assert await answers(questions([row()]), model, asking(tmp_path, max_usd=0.0)) == first
    assert len(endpoint.requests) == 2

    endpoint.queue(says("no idea"), says({"met": [False]}))
    (changed,) = await answers(questions([row(user_prompt="Is it well?")]), model, asking(tmp_path))
    assert not changed.right

    endpoint.queue(says("no idea"), says({"met": [False]}))
    await answers(questions([row(user_prompt="Is it well?")]), model, asking(tmp_path, fresh=True))
    assert len(endpoint.requests) == 6


async def test_a_kept_file_that_is_broken_is_asked_again(endpoint, model, tmp_path):
    endpoint.queue(says(RIGHT), says({"met": [True]}), says(RIGHT), says({"met": [True]}))
    await answers(questions([row()]), model, asking(tmp_path))
    (path,) = (tmp_path / "out").glob("*/holmes-1.json")
    body = json.loads(path.read_text())
    path.write_text(json.dumps({"key": body["key"]}))

    (found,) = await answers(questions([row()]), model, asking(tmp_path))

    assert found.right
    assert endpoint.left == 0


async def test_no_money_and_nothing_kept_is_a_sentence_and_no_call(endpoint, model, tmp_path):
    with pytest.raises(BenchmarkError, match="the money allowed is spent"):
        await answers(questions([row()]), model, asking(tmp_path, max_usd=0.0))

    assert endpoint.requests == []


async def test_a_model_that_does_not_answer_ends_the_benchmark_and_keeps_what_was_answered(endpoint, model, tmp_path):
    endpoint.queue(says(RIGHT), says({"met": [True]}), broken(400, "no such model"))

    with pytest.raises(BenchmarkError, match="no such model"):
        await answers(questions([row(), row(id="holmes-2")]), model, asking(tmp_path))

    assert [path.stem for path in (tmp_path / "out").glob("*/*.json")] == ["holmes-1"]


async def test_a_model_that_is_too_slow_ends_the_benchmark(endpoint, model, tmp_path):
    await model.warm()
    endpoint.queue(HANG)

    with pytest.raises(BenchmarkError, match="no answer within"):
        await answers(questions([row()]), model, asking(tmp_path), limits=Limits(timeout_s=0.3))


async def test_an_empty_reply_is_a_wrong_answer(endpoint, model, tmp_path):
    endpoint.queue(says(""))

    (found,) = await answers(questions([row()]), model, asking(tmp_path))

    assert (found.text, found.right) == ("", False)


async def test_a_recorded_tool_answers_for_the_same_things_whatever_shapes_the_answer():
    (case,) = questions([row()])
    tools = HolmesTools(case.recordings)

    async def text(name, **args):
        return (await tools.call(name, args, timeout_s=1)).text

    assert "a hundred lines" in await text("fetch_pod_logs", pod_name="api-7f9-x2", limit=100, start_time="-600")
    assert "five lines" in await text("fetch_pod_logs", pod_name="api-7f9-x2", limit=5)
    assert "everything" in await text("kubectl_get_all", namespace="any")
    with pytest.raises(ToolUnavailableError, match="not recorded"):
        await text("fetch_pod_logs", pod_name="another", limit=5)
    specs = {one.name: one for one in await tools.available()}
    assert specs["fetch_pod_logs"].schema["properties"]["limit"] == {"type": "integer"}
    assert "api-7f9-x2" not in str(specs), "the names to look for are not given away"


@pytest.mark.parametrize(
    ("fact", "answer", "settled"),
    [
        ("Must include the correct port (3000)", "use 3000:3000", True),
        ("Must include the correct port (3000)", "use 13000", False),
        ("point to a network policy named `deny-all-egress`", "DNS is slow", False),
        ("point to a network policy named `deny-all-egress`", "not deny-all-egress", None),
        ("either `api:1.2` or `nginx:1.2`", "neither", None),
        ("The answer is on 2025-08-25", "on the 25th of August 2025", None),
        ("There are 14 pods in namespace `test-1`", "14", None),
        ("out of memory", "it starved", None),
    ],
)
def test_words_settle_a_fact_only_when_nothing_is_left_to_judge(fact, answer, settled):
    assert by_words(fact, "How many pods are in test-1?", answer) is settled


def test_cases_without_recorded_outputs_and_those_that_their_authors_skip_are_left_out():
    assert questions([row(recorded_outputs={}), row(skip=True)]) == []


def test_an_alert_a_list_of_wordings_and_an_earlier_talk_become_questions():
    alert = row(user_prompt=None, investigate_request={"title": "PodCrash", "subject": {"name": "api"}})
    several = row(user_prompt=["first wording", "second"])
    later = row(user_prompt="and now?", conversation_history=[{"role": "user", "content": "what is unhealthy?"}])

    told = [one.text for one in questions([alert, several, later])]

    assert "Why does this alert fire?" in told[0]
    assert "PodCrash" in told[0]
    assert told[1] == "first wording"
    assert told[2].startswith("Said before:\nuser: what is unhealthy?")


def test_a_recorded_output_without_header_is_named():
    with pytest.raises(BenchmarkError, match=r"holmes-1: recorded output a\.txt has no header"):
        questions([row(recorded_outputs={"a.txt": "plain"})])


def test_without_a_model_one_sentence_says_that_it_is_skipped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LLM_MODEL", raising=False)

    told = run_all(tmp_path, [holmes.BENCHMARK])

    assert list(told.rows) == []
    (sentence,) = told.skipped
    assert sentence.startswith("Benchmark HolmesGPT skipped: LLM_MODEL is not set, and only a model can answer")
    assert ".56 to .90" in sentence, "what others published is told all the same"


async def test_the_configured_model_is_asked_and_the_table_shows_what_others_published(endpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in (("LLM_MODEL", "scripted"), ("LLM_BASE_URL", endpoint.url), ("LLM_API_KEY", "k")):
        monkeypatch.setenv(name, value)
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "cases.dev.jsonl").write_text(json.dumps(row()))
    endpoint.queue(says(RIGHT), says({"met": [True]}))

    first, *_ = await asyncio.to_thread(ask, tmp_path, asking(tmp_path))

    assert (first.figure, first.n) == (1.0, 1)


def test_every_public_case_with_recorded_outputs_can_be_asked():
    path = data_folder() / FOLDER / "cases.dev.jsonl"
    if not path.is_file():
        pytest.skip(f"{path} is not there; AIOPS_BENCH_DATA names its folder")

    found = questions(read_rows(path))

    assert len(found) >= 30
    assert all(one.text and one.facts and one.recordings for one in found)
