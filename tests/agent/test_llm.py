"""LiteLlm against a scripted OpenAI-compatible endpoint."""

import time
from collections.abc import AsyncIterator

import pytest

from bot.adapters.llm import LiteLlm
from bot.core.errors import ModelReplyError, ModelUnavailableError
from bot.ports import Message, ToolCall, ToolSpec
from tests.support.openai_endpoint import HANG, OpenAiEndpoint, Reply, broken, calls, rate_limited, says

KEY = "sk-test-abcdef0123456789"
HELLO = [Message(role="user", content="hello")]
LOOK = ToolSpec(name="look", description="look at it", schema={"type": "object", "properties": {}}, server="s")


@pytest.fixture
async def model(endpoint: OpenAiEndpoint) -> AsyncIterator[LiteLlm]:
    made = LiteLlm("scripted", base_url=endpoint.url, api_key=KEY)
    await made.warm()
    yield made
    await made.aclose()


async def ask(model: LiteLlm, **options: object):
    values: dict = {"tools": [], "max_tokens": 50, "timeout_s": 5.0, **options}
    return await model.complete(HELLO, **values)


async def test_a_reply_comes_with_its_tokens(model, endpoint):
    endpoint.queue(says("hello to you"))
    reply = await ask(model)

    assert reply.text == "hello to you"
    assert reply.model == "scripted"
    assert reply.tokens_in > 0
    assert reply.tokens_out > 0
    assert reply.cost_usd == 0
    assert endpoint.requests[0]["model"] == "scripted"
    assert endpoint.requests[0]["authorization"] == f"Bearer {KEY}"


async def test_a_priced_model_has_a_cost(endpoint):
    model = LiteLlm("gpt-4o-mini", base_url=endpoint.url, api_key=KEY)
    endpoint.queue(says("x" * 400))
    assert (await ask(model)).cost_usd > 0
    await model.aclose()


async def test_tool_calls_and_their_results_travel_both_ways(model, endpoint):
    endpoint.queue(calls(("look", {"at": "it"})), says("seen"))
    first = await ask(model, tools=[LOOK])
    call = first.tool_calls[0]
    assert (call.name, dict(call.args)) == ("look", {"at": "it"})
    turns = [
        *HELLO,
        Message(role="assistant", content="", tool_calls=(ToolCall(id=call.id, name=call.name, args=call.args),)),
        Message(role="tool", content="a thing", tool_call_id=call.id),
    ]
    await model.complete(turns, tools=[LOOK], max_tokens=50, timeout_s=5.0)

    sent = endpoint.requests[1]["messages"]
    assert sent[1]["tool_calls"][0]["id"] == sent[2]["tool_call_id"] == call.id
    assert endpoint.requests[1]["tools"][0]["function"]["name"] == "look"


async def test_retry_after_is_obeyed(model, endpoint):
    endpoint.queue(rate_limited(1), says("at last"))
    started = time.monotonic()
    assert (await ask(model)).text == "at last"
    assert time.monotonic() - started >= 1


async def test_a_retry_after_beyond_the_timeout_fails_at_once(model, endpoint):
    endpoint.queue(rate_limited(60))
    started = time.monotonic()
    with pytest.raises(ModelUnavailableError):
        await ask(model)
    assert time.monotonic() - started < 2
    assert len(endpoint.requests) == 1


async def test_server_errors_are_tried_three_times(model, endpoint):
    endpoint.queue(broken(500), broken(503), broken(502))
    with pytest.raises(ModelUnavailableError):
        await ask(model)
    assert len(endpoint.requests) == 3


async def test_a_hanging_model_ends_at_the_timeout(model, endpoint):
    endpoint.queue(HANG)
    with pytest.raises(ModelUnavailableError, match=r"within 0\.5 s"):
        await ask(model, timeout_s=0.5)


async def test_a_refused_call_is_not_repeated_and_never_shows_the_key(model, endpoint, caplog):
    endpoint.queue(broken(401, f"Incorrect API key provided: {KEY}"))
    with pytest.raises(ModelUnavailableError) as caught:
        await ask(model)
    assert len(endpoint.requests) == 1
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    "reply",
    [Reply(text=""), Reply(text=None), Reply(raw='{"choices": []}'), Reply(tool_calls=(("look", "{not json"),))],
)
async def test_an_empty_or_broken_reply_is_told_apart_from_silence(model, endpoint, reply):
    endpoint.queue(reply)
    with pytest.raises(ModelReplyError):
        await ask(model, tools=[LOOK])


async def test_an_endpoint_that_is_not_there_is_unavailable():
    model = LiteLlm("scripted", base_url="http://127.0.0.1:9/v1", api_key=KEY)
    with pytest.raises(ModelUnavailableError):
        await ask(model)
    await model.aclose()


async def test_the_second_model_answers_when_the_first_fails(endpoint):
    model = LiteLlm("first, second", base_url=endpoint.url, api_key=KEY)
    endpoint.queue(broken(500), says("from the second"))
    reply = await ask(model)

    assert (reply.text, reply.model) == ("from the second", "second")
    assert model.name == "first, second"
    await model.aclose()


async def test_the_price_of_a_call_is_that_of_the_dearest_model_and_an_unknown_one_is_said_once(caplog):
    known = await LiteLlm("gpt-4o-mini, gpt-4o").price(1_000, 1_000)
    dearest = await LiteLlm("gpt-4o").price(1_000, 1_000)
    unknown = LiteLlm("a-model-of-the-house", base_url="http://127.0.0.1:9/v1")

    assert known == dearest > 0
    assert await unknown.price(1_000, 1_000) is None
    assert await unknown.price(1_000, 1_000) is None
    assert [one.message for one in caplog.records].count(
        "the price of a-model-of-the-house is not known, so only tokens limit what it may spend"
    ) == 1
