"""A message that is still being written: what has arrived, and the blocks it makes."""

from dataclasses import dataclass, field
from typing import Final, Literal

from slackbox import limits
from slackbox.blocks import validate_blocks
from slackbox.clock import Timer
from slackbox.errors import Refusal
from slackbox.jsons import Json, as_list, as_object, objects_at, text_at

State = Literal["open", "completed", "expired", "stopped_by_user"]
STATUSES: Final = frozenset({"pending", "in_progress", "complete", "error"})
DISPLAYS: Final = frozenset({"timeline", "plan"})


@dataclass(slots=True, kw_only=True)
class Stream:
    """The text and the tasks so far. `mode` is how the first piece came: markdown_text or chunks."""

    display: str
    state: State = "open"
    mode: str | None = None
    text: str = ""
    title: str = ""
    parts: list[Json] = field(default_factory=list[Json])
    tasks: dict[str, Json] = field(default_factory=dict[str, Json])
    idle: Timer | None = None
    life: Timer | None = None

    def take(self, args: Json) -> bool:
        """Add what one call brings; False when it brings nothing.

        Raises Refusal cannot_provide_both_markdown_text_and_chunks, streaming_mode_mismatch, invalid_chunks,
        invalid_blocks or msg_too_long, and then adds nothing.
        """
        text, chunks = args.get("markdown_text"), args.get("chunks")
        if text and chunks:
            raise Refusal("cannot_provide_both_markdown_text_and_chunks")
        if not text and not chunks:
            return False
        mode = "markdown_text" if text else "chunks"
        if self.mode not in {None, mode}:
            raise Refusal("streaming_mode_mismatch")
        pieces = [{"type": "markdown_text", "text": str(text)}] if text else _checked(chunks)
        written = sum(len(piece["text"]) for piece in pieces if piece["type"] == "markdown_text")
        if len(self.text) + written > limits.MARKDOWN_TOTAL:
            raise Refusal("msg_too_long")
        self.mode = mode
        for piece in pieces:
            self._add(piece)
        return True

    def blocks(self) -> list[Json]:
        """What the message shows: text where it came, tasks as cards there or all in one plan."""
        shown: list[Json] = []
        planned = False
        for part in self.parts:
            if "blocks" in part:
                shown += part["blocks"]
            elif "text" in part:
                shown.append({"type": "markdown", "text": part["text"]})
            elif self.display == "timeline":
                shown.append(_card(self.tasks[part["task"]]))
            elif not planned:
                planned = True
                shown.append(
                    {"type": "plan", "title": self.title or "Plan", "tasks": list(map(_card, self.tasks.values()))}
                )
        return shown

    def end(self, state: State) -> None:
        """Close the stream; its timers stop."""
        self.state = state
        for timer in (self.idle, self.life):
            if timer is not None:
                timer.cancel()

    def _add(self, piece: Json) -> None:
        kind = piece["type"]
        if kind == "markdown_text":
            self.text += piece["text"]
            if self.parts and "text" in self.parts[-1]:
                self.parts[-1]["text"] += piece["text"]
            else:
                self.parts.append({"text": piece["text"]})
        elif kind == "blocks":
            self.parts.append({"blocks": piece["blocks"]})
        elif kind == "plan_update":
            self.title = piece["title"]
        else:
            self._add_task(piece)

    def _add_task(self, piece: Json) -> None:
        name = piece["id"]
        known = self.tasks.get(name)
        if known is None:
            self.tasks[name] = dict(piece)
            self.parts.append({"task": name})
            return
        # Slack appends details and output to what a task already has, and replaces the rest.
        longer = {each: known.get(each, "") + piece[each] for each in ("details", "output") if each in piece}
        known.update(piece | longer)


def _checked(chunks: object) -> list[Json]:
    """The chunks. Raises Refusal invalid_chunks that says which one and why, or invalid_blocks."""
    listed = as_list(chunks)
    if listed is None:
        raise Refusal("invalid_chunks", messages=["chunks must be an array [json-pointer:/chunks]"])
    pieces: list[Json] = []
    for position, given in enumerate(listed):
        piece = as_object(given) or {}
        problem = _problem(piece, position)
        if problem:
            raise Refusal("invalid_chunks", messages=[f"[ERROR] {problem} [json-pointer:/chunks/{position}]"])
        pieces.append(piece)
    return pieces


def _problem(piece: Json, position: int) -> str | None:
    match piece.get("type"):
        case "markdown_text":
            return None if len(text_at(piece, "text")) in range(1, limits.MARKDOWN_TOTAL + 1) else "bad text"
        case "plan_update":
            return _too_long(piece, "title") or (None if text_at(piece, "title") else "title is missing")
        case "task_update":
            return _task_problem(piece)
        case "blocks":
            problems = validate_blocks(piece.get("blocks"), pointer=f"/chunks/{position}/blocks")
            if problems:
                raise Refusal("invalid_blocks", messages=problems)
            return None
        case other:
            return f"unknown chunk type {other!r}"


def _task_problem(piece: Json) -> str | None:
    missing = [name for name in ("id", "title", "status") if not text_at(piece, name)]
    if missing:
        return f"{missing[0]} is missing"
    if piece["status"] not in STATUSES:
        return f"unknown status {piece['status']!r}"
    return _too_long(piece, "id", "title", "details", "output")


def _too_long(piece: Json, *names: str) -> str | None:
    long = [name for name in names if len(text_at(piece, name)) > limits.CHUNK_TEXT]
    return f"{long[0]} is longer than {limits.CHUNK_TEXT} characters" if long else None


def _card(task: Json) -> Json:
    card: Json = {"type": "task_card", "task_id": task["id"], "title": task["title"], "status": task["status"]}
    card |= {name: _rich(task[name]) for name in ("details", "output") if task.get(name)}
    sources = objects_at(task, "sources")
    return card | ({"sources": sources} if sources else {})


def _rich(text: str) -> Json:
    element = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [element]}
