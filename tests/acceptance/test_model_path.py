"""With a model: the same thread, the model's words, and the offline analyst when the model is of no use."""

import json

import pytest
import pytest_asyncio

from tests.acceptance.replies import HYPOTHESES, reply_from
from tests.acceptance.town import RELEASE, open_town
from tests.support.openai_endpoint import HANG, broken, calls, openai_endpoint, rate_limited, says

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "sk-acceptance-0123456789"
GOOD = reply_from(HYPOTHESES)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def endpoint():
    async with openai_endpoint() as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory, module_database, endpoint):
    async with open_town(
        tmp_path_factory.mktemp("town"),
        module_database,
        LLM_MODEL="openai/scripted",
        LLM_BASE_URL=endpoint.url,
        LLM_API_KEY=KEY,
        LLM_TIMEOUT_SECONDS="3",
    ) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def triaged(town, endpoint):
    """Fires an alert with scripted replies; the hypothesis card, the incident's details, and how often it was asked."""
    fired = []

    async def run(*replies):
        endpoint.requests.clear()
        endpoint.queue(*replies)
        one = town.alert()
        fired.append(one)
        incident = await town.fire(one)
        thread = (await town.card(incident))["ts"]
        card = await town.reply("hypothesis", thread)
        detail = await town.bot.cli("incident", "show", incident, "--json")
        return json.dumps(card["blocks"], ensure_ascii=False), detail, len(endpoint.requests)

    yield run
    for one in fired:
        await town.resolve(one)
    endpoint.clear()


async def test_a_good_reply_is_shown_with_its_model_and_its_cost(triaged):
    card, detail, asked = await triaged(GOOD)

    assert asked == 1
    assert "checkout 2.31.0 leaks database connections" in card
    assert "scripted" in card
    assert "scripted" in detail["analyst"]
    assert detail["hypotheses"][0]["suspect"] == {"service": "checkout", "change_id": "deploy-checkout-2.31.0"}
    assert detail["usage"]["tokens"] > 0
    assert detail["usage"]["steps"] == 1


async def test_an_uncertain_model_may_look_closer_and_cite_what_it_found(triaged):
    card, detail, asked = await triaged(
        reply_from(HYPOTHESES, verdict="uncertain"),
        calls(("read_logs", {"service": "checkout", "start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:10:00Z"})),
        GOOD,
    )

    assert asked == 3
    assert "leaks database connections" in card
    assert detail["usage"]["steps"] == 3


async def test_malformed_json_gets_one_chance_to_be_repaired(triaged):
    card, detail, asked = await triaged(says("The cause is { not json"), GOOD)

    assert asked == 2
    assert "scripted" in detail["analyst"]
    assert "leaks database connections" in card


async def test_a_reply_that_stays_malformed_is_answered_by_the_offline_analyst(triaged):
    card, detail, asked = await triaged(says("no"), says("still no"))

    assert asked == 2
    assert detail["analyst"] == "offline analyst"
    assert detail["hypotheses"][0]["suspect"]["change_id"] == "deploy-checkout-2.31.0"
    assert any("offline analyst" in note for note in detail["notes"])
    assert RELEASE in card


async def test_a_claim_that_cites_unknown_evidence_never_reaches_the_thread(triaged):
    wrong = reply_from(HYPOTHESES, cite="E999")

    card, detail, asked = await triaged(wrong, wrong)

    assert asked == 2
    known = {item["id"] for item in detail["evidence"]}
    assert all(set(one["evidence"]) <= known for one in detail["hypotheses"])
    assert "E999" not in card


@pytest.mark.parametrize(
    "replies",
    [
        pytest.param((HANG,), id="timeout"),
        pytest.param((rate_limited(60),), id="rate limited"),
        pytest.param((broken(500),) * 4, id="server error"),
        pytest.param((broken(401, f"bad key {KEY}"),), id="refused key"),
    ],
)
async def test_a_model_that_does_not_answer_is_replaced_and_that_is_said(triaged, replies):
    card, detail, _ = await triaged(*replies)

    assert detail["analyst"] == "offline analyst"
    assert detail["hypotheses"][0]["suspect"]["change_id"] == "deploy-checkout-2.31.0"
    assert detail["notes"]
    assert "offline analyst" in card
    assert KEY not in card


async def test_a_short_rate_limit_is_waited_out(triaged):
    _, detail, asked = await triaged(rate_limited(1), GOOD)

    assert asked == 2
    assert "scripted" in detail["analyst"]


async def test_the_api_key_is_in_no_log(town):
    assert KEY not in town.bot.log.read_text(encoding="utf-8")
