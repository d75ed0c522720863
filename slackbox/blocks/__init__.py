"""Block Kit validation: messages, modals and Home tabs, with JSON pointers to what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from slackbox import limits
from slackbox.blocks.catalog import block_table
from slackbox.blocks.primitives import (
    Check,
    Findings,
    Problem,
    array,
    at,
    choice,
    flag,
    ident_or_empty,
    record,
    tagged,
    text,
)
from slackbox.jsons import Json, as_list, as_object, objects_at, text_at

__all__ = [
    "Inspection",
    "Problem",
    "count_characters",
    "find_message_problems",
    "find_problems",
    "find_view_problems",
    "inspect_message",
    "validate_blocks",
    "validate_view",
]

# Where blocks stand inside blocks.
_CHILDREN: Final[Mapping[str, str]] = {"container": "child_blocks", "auth_provider": "fallback"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a message's blocks are like, its attachments' included."""

    problems: Sequence[Problem]
    characters: int
    empty_alt_texts: int


def validate_blocks(blocks: Any, surface: str = "message", pointer: str = "/blocks") -> list[str]:
    """Every problem of a list of blocks on a surface (message, modal, home); empty when there is none.

    Each problem ends in `[json-pointer:…]`, the form of `response_metadata.messages` in Slack's answers.
    """
    return [str(problem) for problem in find_problems(blocks, surface, pointer)]


def find_problems(blocks: Any, surface: str = "message", pointer: str = "") -> list[Problem]:
    """Every problem of a list of blocks on a surface, with a pointer that starts at `pointer`."""
    return _inspect(blocks, surface, pointer).problems


def inspect_message(blocks: Any, attachments: Any) -> Inspection:
    """Look at all blocks of a message at once; None stands for an argument that was not given.

    Ids, tables, charts and markdown are counted over the whole message, as Slack counts them.
    """
    found = Findings(surface="message")
    _inspect_parts(found, blocks, attachments)
    characters = found.counts["characters"] + found.counts["markdown characters"]
    return Inspection(
        problems=tuple(found.problems), characters=characters, empty_alt_texts=found.counts["empty alt_text"]
    )


def find_message_problems(message: Any) -> list[Problem]:
    """Every problem of a message as blocks.validate takes it: blocks, and attachments with blocks, but no text."""
    found = Findings(surface="message")
    record({}, {"blocks": _checked_later, "attachments": _checked_later}, rule=_some_content)(message, "", found)
    body = as_object(message) or {}
    _inspect_parts(found, body.get("blocks"), body.get("attachments"))
    return found.problems


def _some_content(body: Json, pointer: str, found: Findings) -> None:
    if body.get("blocks") is None and body.get("attachments") is None:
        found.miss(pointer, "blocks")


def _inspect_parts(found: Findings, blocks: Any, attachments: Any) -> None:
    if blocks is not None:
        _inspect_into(found, blocks, "/blocks")
    if attachments is not None:
        array(_attachment, lo=0, hi=limits.MESSAGE_ATTACHMENTS)(attachments, "/attachments", found)
    # The pointer is to the first of the two places: what is too much in all has no place of its own.
    _totals("/attachments" if blocks is None else "/blocks", found)


def _attachment(value: Any, pointer: str, found: Findings) -> None:
    body = as_object(value)
    if body is None:
        found.add(pointer, "must provide an object", {"type": "object"})
    elif "blocks" in body:
        _inspect_into(found, body["blocks"], at(pointer, "blocks"))


def validate_view(view: Any, kind: str) -> list[str]:
    """Every problem of a modal or Home tab; `kind` is the type it must have."""
    return [str(problem) for problem in find_view_problems(view, kind, "/view")]


def find_view_problems(view: Any, kind: str | None = None, pointer: str = "") -> list[Problem]:
    """Every problem of a view that must be of this kind; without one, its own type says which it is."""
    body = as_object(view)
    if body is None:
        return [Problem(pointer=pointer, message="must provide an object", constraint={"type": "object"})]
    expected = (kind,) if kind else ("modal", "home")
    surface = "home" if (kind or text_at(body, "type")) == "home" else "modal"
    found = Findings(surface=surface)
    if "blocks" in body:
        _inspect_into(found, body["blocks"], at(pointer, "blocks"))
        _totals(at(pointer, "blocks"), found)
    title = text(limits.MODAL_TITLE, "plain_text")
    label = text(limits.MODAL_BUTTON, "plain_text")
    checks: dict[str, Check] = {
        "callback_id": ident_or_empty(limits.ID),
        "external_id": ident_or_empty(limits.ID),
        "private_metadata": ident_or_empty(limits.PRIVATE_METADATA),
    }
    required: dict[str, Check] = {"type": choice(*expected), "blocks": _checked_later}
    if surface == "modal":
        required["title"] = title
        checks |= {"submit": label, "close": label, "submit_disabled": flag}
        checks |= {"clear_on_close": flag, "notify_on_close": flag}
    record(required, checks, rule=_submit_rule if surface == "modal" else None)(body, pointer, found)
    return found.problems


def count_characters(blocks: Any) -> int:
    """Characters of all texts in a list of blocks; Slack refuses a message whose blocks sum to too many."""
    counts = _inspect(blocks, "message", "/blocks").counts
    return counts["characters"] + counts["markdown characters"]


def _checked_later(_value: Any, _pointer: str, _found: Findings) -> None:
    """Blocks are inspected with their surface, apart from what stands around them."""


def _submit_rule(body: Json, pointer: str, found: Findings) -> None:
    if "submit" not in body and any(_asks_for_input(block) for block in objects_at(body, "blocks")):
        found.miss(pointer, "submit")


def _asks_for_input(block: Json) -> bool:
    return block.get("type") == "input" or any(child.get("type") == "input" for child in _children(block))


def _inspect(blocks: Any, surface: str, pointer: str) -> Findings:
    found = Findings(surface=surface)
    _inspect_into(found, blocks, pointer)
    _totals(pointer, found)
    return found


def _inspect_into(found: Findings, blocks: Any, pointer: str) -> None:
    is_message = found.surface == "message"
    # A message may drop its blocks with an empty list; a view without blocks shows nothing and is refused.
    lo, hi = (0, limits.MESSAGE_BLOCKS) if is_message else (1, limits.VIEW_BLOCKS)
    array(tagged(block_table, "block"), lo=lo, hi=hi)(blocks, pointer, found)
    for position, block in enumerate((as_list(blocks) or [])[:hi]):
        _surface_rule(block, at(pointer, position), found)


def _surface_rule(block: Any, pointer: str, found: Findings) -> None:
    body, kind = as_object(block), _kind(block)
    if body is None or kind not in limits.SURFACES:
        return
    found.counts[kind] += 1
    if found.surface not in limits.SURFACES[kind]:
        found.add(at(pointer, "type"), f"{kind} blocks are not allowed in a {found.surface}", {"type": "surface"})
    name = _CHILDREN.get(kind, "")
    for position, child in enumerate(as_list(body.get(name)) or []):
        # What a container does not hold is refused there already.
        if kind != "container" or _kind(child) in limits.CONTAINER_HOLDS:
            _surface_rule(child, at(at(pointer, name), position), found)


def _kind(block: Any) -> str:
    return text_at(as_object(block) or {}, "type")


def _children(block: Json) -> list[Json]:
    return objects_at(block, _CHILDREN.get(text_at(block, "type"), ""))


def _totals(pointer: str, found: Findings) -> None:
    totals = {
        "markdown characters": limits.MARKDOWN_TOTAL,
        "table": limits.TABLES_PER_MESSAGE,
        "table characters": limits.TABLE_CHARACTERS,
        "data_table characters": limits.DATA_TABLE_CHARACTERS,
        "data_visualization": limits.CHARTS_PER_MESSAGE,
    }
    for name, most in totals.items():
        if found.counts[name] > most:
            constraint = {"type": "total", "expected": most, "got": found.counts[name]}
            found.add(pointer, f"no more than {most} {name} allowed in one payload", constraint)
