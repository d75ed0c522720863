"""
Calls over MCP connections, and what servers ask in the middle of them (elicitation).

A question arrives in one of two ways. From protocol revision 2026-07-28 on the call ends and can be taken up later with its
state. Before that the server sends a request of its own while the call is open, and nothing says to which call it belongs;
so a call that may be asked something gets a connection of its own there, and on the shared connection all is declined.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from contextlib import AsyncExitStack, contextmanager
from typing import Any, TypeVar, cast

from httpx2 import HTTPError
from mcp import Client, MCPError
from mcp.client.session import ClientRequestContext
from mcp.types import (
    CallToolResult,
    ElicitRequest,
    ElicitRequestParams,
    ElicitRequestURLParams,
    ElicitResult,
    InputRequiredResult,
    InputResponses,
    RequestParamsMeta,
    TextContent,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from bot.adapters.mcp_link import Connection, McpServer, Session, open_client, words
from bot.adapters.tool_gate import OUTCOME
from bot.core.elicitation import Question, message_of
from bot.core.errors import AiopsError, ToolDeniedError, ToolError, ToolUnavailableError
from bot.core.redaction import redact
from bot.core.text import clean, one_line
from bot.ports import Answering, Asked, Resumed, Told, ToolResult

logger = logging.getLogger(__name__)

_MOST_DECLINED = 3
_POLL_S = 0.25
_LEAVE_S = 1.0
T = TypeVar("T")


class DeadConnectionError(ToolUnavailableError):
    """The session is gone: the server restarted or the pipe broke."""


async def call(
    connection: Connection,
    name: str,
    args: Mapping[str, object],
    deadline: float,
    *,
    meta: Mapping[str, str] | None = None,
    resumed: Resumed | None = None,
) -> ToolResult | Asked:
    """One call over the shared connection. Raises DeadConnectionError, ToolUnavailableError, ToolDeniedError, ToolError."""
    started = time.monotonic()
    session = await connection.session(max(0.05, deadline - started))
    replies, state = _replies(resumed), resumed.request_state if resumed else None
    with _vendor_errors(connection.server.name, name, started, lost=session.over.set):
        async with asyncio.timeout(max(0.05, deadline - time.monotonic())):
            while True:
                answer = await _unless_over(session, _send(session.client, name, args, meta, replies, state))
                if isinstance(answer, CallToolResult):
                    break
                if answer.input_requests:
                    return _asked(answer, connection.server.name, name)
                # It only wants to be asked again.
                replies, state = None, answer.request_state
                await asyncio.sleep(_POLL_S)
    return _result(answer, name, connection.server.name, args, round((time.monotonic() - started) * 1000))


async def call_declining(connection: Connection, name: str, args: Mapping[str, object], deadline: float) -> ToolResult:
    """One call of which nothing may be asked: every question is declined, and `decline` is told. Raises as `call` does."""
    answer = await call(connection, name, args, deadline)
    for _ in range(_MOST_DECLINED):
        if isinstance(answer, ToolResult):
            return answer
        await connection.decline(connection.server.name, name, message_of(answer.questions))
        told = Told(action="decline", content={question.key: {} for question in answer.questions})
        resumed = Resumed(told=told, request_state=answer.request_state)
        answer = await call(connection, name, args, deadline, resumed=resumed)
    if isinstance(answer, ToolResult):
        return answer
    raise ToolError(f"{name} asks before it answers, and only a runbook's step that changes something may ask")


def holds_calls(session: Session) -> bool:
    """Whether this server ends a call that needs an answer, so that it can be taken up later."""
    return session.client.protocol_version in MODERN_PROTOCOL_VERSIONS


async def call_alone(
    server: McpServer,
    name: str,
    args: Mapping[str, object],
    timeout_s: float,
    *,
    meta: Mapping[str, str] | None,
    answering: Answering,
) -> ToolResult:
    """
    One call over a connection of its own, so that what the server asks meanwhile can only be about it.

    The time limit stands still while `answering` is awaited. A caller that is cancelled leaves the server with a cancel.
    """
    started = time.monotonic()
    one_at_a_time, leaving = asyncio.Lock(), asyncio.Event()
    with _vendor_errors(server.name, name, started, lost=leaving.set):
        async with AsyncExitStack() as stack:
            limit = await stack.enter_async_context(asyncio.timeout(timeout_s))

            async def on_question(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG001 - the library passes it by name
                async with one_at_a_time:
                    left = timeout_s if (when := limit.when()) is None else when - asyncio.get_running_loop().time()
                    limit.reschedule(None)
                    try:
                        told = await _or_leave(answering(_asked_openly(server.name, name, params)), leaving)
                    finally:
                        limit.reschedule(asyncio.get_running_loop().time() + max(1.0, left))
                return _elicit_result(told, "")

            client = await open_client(server, stack, on_question, legacy=True)
            task = asyncio.create_task(_send(client, name, args, meta, None, None))
            try:
                answer = await asyncio.shield(task)
            except asyncio.CancelledError:
                leaving.set()
                # Long enough for a cancel to reach the server; what it says to that is not waited for.
                await asyncio.wait({task}, timeout=_LEAVE_S)
                raise
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
    if not isinstance(answer, CallToolResult):
        raise ToolError(f"{name} ended its call with a question, which its protocol does not know")
    return _result(answer, name, server.name, args, round((time.monotonic() - started) * 1000))


async def _or_leave(answering: Awaitable[Told], leaving: asyncio.Event) -> Told:
    """What a person says, or a cancel as soon as the caller goes away; whatever fails in between is a cancel too."""
    asking, going = asyncio.ensure_future(answering), asyncio.create_task(leaving.wait())
    try:
        await asyncio.wait({asking, going}, return_when=asyncio.FIRST_COMPLETED)
        if asking.done():
            return asking.result()
    except AiopsError as error:
        logger.warning("a question of a server was cancelled: %s", error)
    finally:
        asking.cancel()
        going.cancel()
        await asyncio.gather(asking, going, return_exceptions=True)
    return Told(action="cancel", content={})


@contextmanager
def _vendor_errors(server: str, name: str, started: float, *, lost: Callable[[], None]) -> Generator[None]:
    """The library's errors as ours; `lost` is called when the connection is of no use any more."""
    try:
        yield
    except TimeoutError:
        waited = time.monotonic() - started
        raise ToolUnavailableError(f"{server}: {name} gave no answer within {waited:.1f} s") from None
    except MCPError as error:
        if _is_protocol_answer(error):
            raise ToolError(f"{name}: {words(error)}") from error
        lost()
        raise DeadConnectionError(f"{server}: {words(error)}") from error
    except (OSError, RuntimeError, HTTPError) as error:
        lost()
        raise DeadConnectionError(f"{server}: {words(error)}") from error
    except BaseExceptionGroup as group:
        ours, others = group.split(ToolError)
        if ours is not None and others is None:
            raise _first(ours) from group
        # A connection that breaks inside of the library's task group.
        broken = group.subgroup((MCPError, OSError, RuntimeError, HTTPError))
        if broken is None or group.split((MCPError, OSError, RuntimeError, HTTPError))[1] is not None:
            raise
        lost()
        raise DeadConnectionError(f"{server}: {words(group)}") from group


def _first(group: BaseExceptionGroup[ToolError]) -> ToolError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, ToolError), "nothing else is in the group"
    return error


async def _send(
    client: Client,
    name: str,
    args: Mapping[str, object],
    meta: Mapping[str, str] | None,
    replies: InputResponses | None,
    state: str | None,
) -> CallToolResult | InputRequiredResult:
    more = cast("RequestParamsMeta", dict(meta)) if meta else None
    return await client.session.call_tool(
        name, dict(args), input_responses=replies, request_state=state, meta=more, allow_input_required=True
    )


def _asked(answer: InputRequiredResult, server: str, name: str) -> Asked:
    questions: list[Question] = []
    for key, request in (answer.input_requests or {}).items():
        if not isinstance(request, ElicitRequest):
            raise ToolError(f"{name} wants {one_line(request.method)[:60]}, which aiops does not offer")
        questions.append(_question(key, request.params))
    state = answer.request_state
    if any(clean(one) != one for one in (*(question.key for question in questions), state or "")):
        raise ToolError(f"{name} asks with hidden characters in its request, so it is not answered")
    return Asked(server=server, tool=name, questions=tuple(questions), request_state=state)


def _asked_openly(server: str, name: str, params: ElicitRequestParams) -> Asked:
    return Asked(server=server, tool=name, questions=(_question("", params),))


def _question(key: str, params: ElicitRequestParams) -> Question:
    if isinstance(params, ElicitRequestURLParams):
        return Question(key=key, message=params.message, schema={}, url=params.url or "?")
    return Question(key=key, message=params.message, schema=params.requested_schema)


def _replies(resumed: Resumed | None) -> InputResponses | None:
    if resumed is None:
        return None
    return {key: _elicit_result(resumed.told, key) for key in resumed.told.content}


def _elicit_result(told: Told, key: str) -> ElicitResult:
    content = cast("dict[str, str | int | float | bool | list[str] | None]", dict(told.content.get(key, {})))
    match told.action:
        case "accept":
            return ElicitResult(action="accept", content=content)
        case "decline":
            return ElicitResult(action="decline")
        case _:
            return ElicitResult(action="cancel")


async def _unless_over(session: Session, call: Coroutine[Any, Any, T]) -> T:
    """Await a call, but not longer than its connection lives."""
    task = asyncio.create_task(call)
    over = asyncio.create_task(session.over.wait())
    try:
        await asyncio.wait({task, over}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise OSError("the connection was closed during the call")
        return task.result()
    finally:
        task.cancel()
        over.cancel()


def _is_protocol_answer(error: MCPError) -> bool:
    """JSON-RPC's own codes for a bad request or a missing method mean that the server is alive and said no."""
    return error.code in {-32602, -32601, -32603}


def _result(answer: CallToolResult, name: str, server: str, args: Mapping[str, object], took_ms: int) -> ToolResult:
    text = "\n".join(block.text for block in answer.content if isinstance(block, TextContent))
    if answer.is_error:
        kind = ToolDeniedError if (answer.meta or {}).get(OUTCOME) == "refused" else ToolError
        raise kind(redact(clean(text)) or f"{name} failed and {server} gave no reason")
    found = _structured(answer.structured_content, text)
    said = text or json.dumps(found)
    return ToolResult(tool=name, server=server, args=dict(args), structured=found, text=said, took_ms=took_ms)


def _structured(content: object, text: str) -> Mapping[str, object]:
    """Servers without structured content often send JSON as text."""
    if content is None:
        try:
            content = cast("object", json.loads(text))
        except ValueError:
            return {}
    return cast("Mapping[str, object]", content) if isinstance(content, dict) else {"result": content}
