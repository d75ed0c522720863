"""Block Kit validation: messages, modals and Home tabs, with JSON pointers to what is wrong."""

from typing import Any

from slackbox import limits
from slackbox.blocks.layout import block_table
from slackbox.blocks.primitives import Findings, array, choice, flag, ident, record, tagged, text
from slackbox.jsons import Json, as_object, objects_at

__all__ = ["count_characters", "validate_blocks", "validate_view"]


def validate_blocks(blocks: Any, surface: str = "message", pointer: str = "/blocks") -> list[str]:
    """Every problem of a list of blocks on a surface (message, modal, home); empty when there is none.

    Each problem ends in `[json-pointer:…]`, the form of `response_metadata.messages` in Slack's answers.
    """
    return _inspect(blocks, surface, pointer).problems


def count_characters(blocks: Any) -> int:
    """Characters of all texts in a list of blocks; Slack refuses a message whose blocks sum to too many."""
    counts = _inspect(blocks, "message", "/blocks").counts
    return counts["characters"] + counts["markdown characters"]


def validate_view(view: Any, kind: str) -> list[str]:
    """Every problem of a modal or Home tab; `kind` is the type it must have."""
    body = as_object(view)
    if body is None:
        return ["[ERROR] must be an object [json-pointer:/view]"]
    found = _inspect(body.get("blocks"), "home" if kind == "home" else "modal", "/view/blocks")
    checks: dict[str, Any] = {
        "type": choice(kind),
        "blocks": _already_checked,
        "callback_id": ident_or_empty(limits.ID),
        "external_id": ident_or_empty(limits.ID),
        "private_metadata": ident_or_empty(limits.PRIVATE_METADATA),
    }
    required: dict[str, Any] = {"type": checks["type"], "blocks": checks["blocks"]}
    if kind == "modal":
        title = text(limits.MODAL_TITLE, "plain_text")
        required["title"] = title
        checks |= {"submit": title, "close": title, "clear_on_close": flag, "notify_on_close": flag}
        checks |= {"submit_disabled": flag}
    record(required, checks, rule=_submit_rule if kind == "modal" else None)(body, "/view", found)
    return found.problems


def ident_or_empty(hi: int) -> Any:
    """An identifier that may also be empty."""

    def check(value: Any, pointer: str, found: Findings) -> None:
        if value != "":
            ident(hi)(value, pointer, found)

    return check


def _already_checked(_value: Any, _pointer: str, _found: Findings) -> None:
    """Blocks of a view are inspected with their surface, before the rest of it."""


def _submit_rule(body: Json, pointer: str, found: Findings) -> None:
    if "submit" not in body and any(block.get("type") == "input" for block in objects_at(body, "blocks")):
        found.add(f"{pointer}/submit", "a modal with input blocks needs submit")


def _inspect(blocks: Any, surface: str, pointer: str) -> Findings:
    found = Findings(surface=surface)
    hi = limits.MESSAGE_BLOCKS if surface == "message" else limits.VIEW_BLOCKS
    array(tagged(block_table, "block"), lo=0, hi=hi)(blocks, pointer, found)
    for position, block in enumerate(objects_at({"blocks": blocks}, "blocks")):
        _surface_rule(block, f"{pointer}/{position}", found)
    _totals(pointer, found)
    return found


def _surface_rule(block: Json, pointer: str, found: Findings) -> None:
    kind = str(block.get("type"))
    found.counts[kind] += 1
    if found.surface not in limits.SURFACES.get(kind, {found.surface}):
        found.add(pointer, f"{kind} blocks are not allowed in a {found.surface}")
    for child in objects_at(block, "child_blocks") if kind == "container" else []:
        _surface_rule(child, f"{pointer}/child_blocks", found)


def _totals(pointer: str, found: Findings) -> None:
    totals = {
        "markdown characters": limits.MARKDOWN_TOTAL,
        "table": limits.TABLES_PER_MESSAGE,
        "table characters": limits.TABLE_CHARACTERS,
        "data table characters": limits.DATA_TABLE_CHARACTERS,
        "data_visualization": limits.CHARTS_PER_MESSAGE,
    }
    for name, most in totals.items():
        if found.counts[name] > most:
            found.add(pointer, f"no more than {most} {name} allowed in one payload")
