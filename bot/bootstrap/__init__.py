"""The composition root: builds adapters from settings and binds them to flows. Nothing else sees both."""

from bot.bootstrap.core import Core, open_core
from bot.bootstrap.hands import (
    database,
    make_model,
    mcp_servers,
    owner_name,
    postmortem_folders,
    runbook_folders,
    system_clock,
    tool_effects,
)

__all__ = [
    "Core",
    "database",
    "make_model",
    "mcp_servers",
    "open_core",
    "owner_name",
    "postmortem_folders",
    "runbook_folders",
    "system_clock",
    "tool_effects",
]
