"""What reasons: a chat model, and the tools it may look with."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bot.core.hypothesis import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as its server describes it."""

    name: str
    description: str
    schema: Mapping[str, object]
    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A model's wish to call a tool."""

    id: str
    name: str
    args: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation with a model."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReply:
    """What came back, and what it cost."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    model: str
    tokens_in: int
    tokens_out: int
    cost_usd: float
    took_ms: int


class Model(Protocol):
    """An OpenAI-compatible chat model behind the gateway."""

    @property
    def name(self) -> str:
        """The configured model name."""
        ...

    async def complete(
        self, messages: Sequence[Message], *, tools: Sequence[ToolSpec], max_tokens: int, timeout_s: float
    ) -> ModelReply:
        """Ask once. Raises ModelUnavailableError after bounded retries, ModelReplyError for an empty or broken reply."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool said: structured content, and the same as text."""

    tool: str
    server: str
    args: Mapping[str, object]
    structured: Mapping[str, object]
    text: str
    took_ms: int


class Tools(Protocol):
    """The read tools of every configured MCP server, behind the list of effects."""

    async def available(self) -> Sequence[ToolSpec]:
        """Tools that are served right now and listed as `read`. Servers that are away contribute nothing."""
        ...

    async def call(self, name: str, args: Mapping[str, object], *, timeout_s: float) -> ToolResult:
        """Call one read tool. Raises ToolDeniedError, ToolUnavailableError, or ToolError with the server's words."""
        ...

    async def health(self) -> Mapping[str, str]:
        """Server name to an empty string when it answers, else to what is wrong."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """An estimate that has been set aside."""

    id: int
    nearly: str
    """The budget that is nearly spent after this call; empty when there is room."""


Price = Callable[[int, int], Awaitable[float | None]]
"""What a call of so many tokens in and out costs, in US dollars; None: the price is not known."""


async def no_price(tokens_in: int, tokens_out: int) -> float | None:
    """Of models whose price nobody knows: only tokens limit their calls."""
    del tokens_in, tokens_out
    return None


class Budget(Protocol):
    """What agents may spend, over all processes."""

    async def reserve(self, *, agent: str, incident_id: str, tokens: int, reply_tokens: int = 0) -> Reservation:
        """
        Set an estimate aside before a call; `reply_tokens` of the tokens are for its answer, which has another price.

        Raises BudgetSpentError naming the budget.
        """
        ...

    async def settle(self, reservation: Reservation, usage: Usage) -> None:
        """What the call really cost; once."""
        ...
