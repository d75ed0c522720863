"""
Every model call. The only file that knows litellm.

litellm takes seconds to import, so it is imported in a worker thread on first use (or by `warm`), never at start-up.
"""

import asyncio
import json
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import ModuleType
from typing import Any, cast

from bot.core.errors import ModelReplyError, ModelUnavailableError
from bot.core.redaction import redact
from bot.core.text import clip, one_line
from bot.ports import Message, ModelReply, ToolCall, ToolSpec

_ATTEMPTS = 3
_FIRST_PAUSE_S = 0.5
_TRY_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 529}
_LEAST_USEFUL_S = 0.05

log = logging.getLogger(__name__)

# What litellm's parts are called with is decided by its own untyped signatures.
_Ask = Callable[..., Awaitable[Any]]


class LiteLlm:
    """
    Implements ports.Model over any OpenAI-compatible endpoint, or any provider that litellm knows.

    `model` may name several models, comma separated: the first is asked, the others are its fallbacks (litellm's
    Router). With `base_url` and no provider prefix, `openai/` is put in front. The key never shows in errors or logs.
    """

    def __init__(self, model: str, *, base_url: str | None = None, api_key: str | None = None) -> None:
        self._models = [_with_provider(name.strip(), base_url) for name in model.split(",") if name.strip()]
        self._name = ", ".join(name.strip() for name in model.split(",") if name.strip())
        self._base_url = base_url
        self._api_key = api_key
        self._ask: _Ask | None = None
        self._litellm: ModuleType | None = None
        self._loading = asyncio.Lock()
        self._told = False

    @property
    def name(self) -> str:
        """The configured model name."""
        return self._name

    async def warm(self) -> None:
        """Import litellm ahead of the first call."""
        async with self._loading:
            if self._ask is None:
                self._litellm = await asyncio.to_thread(_load)
                self._ask = self._build(self._litellm)

    async def aclose(self) -> None:
        """Close litellm's connections."""
        if self._litellm is not None:
            await self._litellm.close_litellm_async_clients()

    async def complete(
        self, messages: Sequence[Message], *, tools: Sequence[ToolSpec], max_tokens: int, timeout_s: float
    ) -> ModelReply:
        """
        Ask once, with up to three attempts for 429, 5xx and network failures inside `timeout_s`, obeying Retry-After.

        Raises ModelUnavailableError when no answer came, ModelReplyError for an empty or broken one.
        """
        await self.warm()
        started = time.monotonic()
        body = {"messages": [_message(one) for one in messages], "max_tokens": max_tokens}
        if tools:
            body["tools"] = [_tool(one) for one in tools]
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._attempts(body, started + timeout_s)
        except TimeoutError:
            raise ModelUnavailableError(f"{self._name} gave no answer within {timeout_s:g} s") from None
        return self._reply(response, round((time.monotonic() - started) * 1000))

    async def price(self, tokens_in: int, tokens_out: int) -> float | None:
        """
        What a call costs in US dollars at the dearest of the configured models, by litellm's own list.

        None when the list knows none of them; that is said once, because then only tokens limit what is spent.
        """
        await self.warm()
        assert self._litellm is not None
        known = [cost for name in self._models if (cost := self._priced(name, tokens_in, tokens_out)) is not None]
        if not known and not self._told:
            self._told = True
            log.warning("the price of %s is not known, so only tokens limit what it may spend", self._name)
        return max(known, default=None)

    def _priced(self, name: str, tokens_in: int, tokens_out: int) -> float | None:
        assert self._litellm is not None
        try:
            cost = self._litellm.cost_per_token(model=name, prompt_tokens=tokens_in, completion_tokens=tokens_out)
        except self._litellm.exceptions.ModelNotMappedError:
            return None
        return float(sum(cost))

    async def _attempts(self, body: Mapping[str, object], deadline: float) -> object:
        assert self._ask is not None
        for attempt in range(1, _ATTEMPTS + 1):
            left = deadline - time.monotonic()
            try:
                return await self._ask(**body, timeout=max(_LEAST_USEFUL_S, left))
            except self._failures() as error:
                pause = _pause(error, attempt)
                if pause is None or attempt == _ATTEMPTS or time.monotonic() + pause >= deadline:
                    # The cause may quote the key, so only cleaned words leave this place.
                    raise ModelUnavailableError(f"{self._name}: {self._words(error)}") from None
                await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _failures(self) -> tuple[type[Exception], ...]:
        # litellm's own errors all derive from those of the openai client; its Router adds ValueError.
        assert self._litellm is not None
        return (self._litellm.exceptions.openai.OpenAIError, OSError, ValueError)

    def _build(self, litellm: ModuleType) -> _Ask:
        """One model is asked directly; several through the Router, whose own retries are off: they are counted here."""
        access: dict[str, object] = {"max_retries": 0}
        if self._base_url:
            access["base_url"] = self._base_url
        if self._api_key:
            access["api_key"] = self._api_key
        first = self._models[0]
        if len(self._models) == 1:
            return partial(litellm.acompletion, model=first, **access)
        router = litellm.Router(
            model_list=[{"model_name": name, "litellm_params": {"model": name, **access}} for name in self._models],
            fallbacks=[{first: self._models[1:]}],
            num_retries=0,
            disable_cooldowns=True,
        )
        return partial(router.acompletion, model=first)

    def _words(self, error: Exception) -> str:
        text = str(error)
        if self._api_key:
            text = text.replace(self._api_key, "[key]")
        return clip(redact(one_line(text)) or type(error).__name__, 300)

    def _reply(self, response: Any, took_ms: int) -> ModelReply:
        try:
            message = response.choices[0].message
            text = message.content or ""
            tool_calls = tuple(_tool_call(call) for call in message.tool_calls or ())
            usage = response.usage
            counted = (int(usage.prompt_tokens or 0), int(usage.completion_tokens or 0))
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise ModelReplyError(f"{self._name} sent something that is not a chat completion") from error
        if not text.strip() and not tool_calls:
            raise ModelReplyError(f"{self._name} sent an empty reply (finish reason: {_finish(response)})")
        return ModelReply(
            text=text,
            tool_calls=tool_calls,
            model=str(response.model or self._name),
            tokens_in=counted[0],
            tokens_out=counted[1],
            cost_usd=_cost(response),
            took_ms=took_ms,
        )


def _load() -> ModuleType:
    # litellm would fetch its price list from the network on import; it reads this variable to keep to its own copy.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    litellm.suppress_debug_info = True
    litellm.disable_aiohttp_transport = True
    litellm.drop_params = True
    litellm.turn_off_message_logging = True
    for name in ("callbacks", "success_callback", "failure_callback"):
        setattr(litellm, name, [])
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        # Its handlers print errors, with what the gateway said, past our redaction; failures reach us as exceptions.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return litellm


def _with_provider(name: str, base_url: str | None) -> str:
    return f"openai/{name}" if base_url and "/" not in name else name


def _message(message: Message) -> dict[str, object]:
    body: dict[str, object] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        body["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(dict(call.args))},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        body["tool_call_id"] = message.tool_call_id
    return body


def _tool(spec: ToolSpec) -> dict[str, object]:
    function = {"name": spec.name, "description": spec.description, "parameters": dict(spec.schema)}
    return {"type": "function", "function": function}


def _tool_call(call: Any) -> ToolCall:
    args: object = json.loads(call.function.arguments or "{}")
    if not isinstance(args, dict):
        raise TypeError("tool arguments must be an object")
    return ToolCall(id=str(call.id), name=str(call.function.name), args=cast("dict[str, object]", args))


def _pause(error: Exception, attempt: int) -> float | None:
    """Seconds to wait before the next attempt; None when another attempt cannot help."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and status not in _TRY_AGAIN:
        return None
    asked = _retry_after(error)
    return asked if asked is not None else _FIRST_PAUSE_S * 2 ** (attempt - 1)


def _retry_after(error: Exception) -> float | None:
    """RFC 9110 §10.2.3 in its seconds form; gateways do not send the date form."""
    for holder in (
        getattr(error, "litellm_response_headers", None),
        getattr(getattr(error, "response", None), "headers", None),
    ):
        value = holder.get("retry-after") if holder is not None else None
        try:
            return max(0.0, float(value)) if value is not None else None
        except (TypeError, ValueError):
            continue
    return None


def _finish(response: Any) -> str:
    return str(getattr(response.choices[0], "finish_reason", "unknown"))


def _cost(response: Any) -> float:
    """What litellm's price list says; 0 for models that it does not know."""
    hidden = cast("dict[str, object]", getattr(response, "_hidden_params", None) or {})
    cost = hidden.get("response_cost")
    return float(cost) if isinstance(cost, int | float) else 0.0
