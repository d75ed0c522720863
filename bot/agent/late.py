"""The triage agent, loaded when it is first wanted."""

import asyncio
import importlib
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING

from bot.ports import AgentEvent, Brief, TriageAgent

if TYPE_CHECKING:
    from bot.agent.graph import TriageGraph


class LateAgent:
    """Loads LangGraph in a thread when it is first wanted, so that readiness does not wait for the import."""

    def __init__(self, make: Callable[[], "TriageGraph"]) -> None:
        self._make = make
        self._agent: TriageAgent | None = None
        self._lock = asyncio.Lock()

    async def load(self) -> TriageAgent:
        """The agent, imported and built once."""
        async with self._lock:
            if self._agent is None:
                await asyncio.to_thread(importlib.import_module, "bot.agent.graph")
                self._agent = self._make()
        return self._agent

    async def investigate(self, brief: Brief) -> AsyncGenerator[AgentEvent]:
        """Run or resume."""
        agent = await self.load()
        async for event in agent.investigate(brief):
            yield event

    async def forget(self, investigation_id: str) -> None:
        """Delete the checkpoints of a finished investigation."""
        await (await self.load()).forget(investigation_id)
