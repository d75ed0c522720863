"""Every socket that flows and agent need. Adapters plug in; bootstrap does the plugging."""

from bot.ports.agent import (
    AgentEvent,
    Brief,
    Concluded,
    Gathered,
    Journal,
    ModelCallEntry,
    TasksChanged,
    ToolCallEntry,
    TriageAgent,
)
from bot.ports.knowledge import Embedder, PostmortemIndex, Prompts, Runbooks, SimilarSearch, Watermark
from bot.ports.model import Message, Model, ModelReply, ToolCall, ToolResult, Tools, ToolSpec
from bot.ports.store import AuditEntry, Counts, InboxItem, IncidentDetail, Intake, IntakeView, Store, Transaction
from bot.ports.world import Chat, Clock

__all__ = [
    "AgentEvent",
    "AuditEntry",
    "Brief",
    "Chat",
    "Clock",
    "Concluded",
    "Counts",
    "Embedder",
    "Gathered",
    "InboxItem",
    "IncidentDetail",
    "Intake",
    "IntakeView",
    "Journal",
    "Message",
    "Model",
    "ModelCallEntry",
    "ModelReply",
    "PostmortemIndex",
    "Prompts",
    "Runbooks",
    "SimilarSearch",
    "Store",
    "TasksChanged",
    "ToolCall",
    "ToolCallEntry",
    "ToolResult",
    "ToolSpec",
    "Tools",
    "Transaction",
    "TriageAgent",
    "Watermark",
]
