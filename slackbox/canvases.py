"""Canvases: a list of sections in Markdown, and the changes that canvases.edit can make to it."""

from dataclasses import dataclass, field
from typing import NoReturn

from slackbox.errors import Refusal
from slackbox.jsons import Json, object_at, text_at

OPERATIONS = frozenset(
    {"insert_after", "insert_before", "insert_at_start", "insert_at_end", "replace", "delete", "rename"}
)
NEED_SECTION = frozenset({"insert_after", "insert_before", "delete"})
NEED_CONTENT = OPERATIONS - {"delete", "rename"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    id: str
    markdown: str

    @property
    def kind(self) -> str:
        """h1, h2, h3 for a heading, else any_text."""
        marks = len(self.markdown) - len(self.markdown.lstrip("#"))
        return f"h{marks}" if 1 <= marks <= 3 and self.markdown[marks : marks + 1] == " " else "any_text"


@dataclass(slots=True, kw_only=True)
class Canvas:
    """One canvas. `channel` is where it is a tab, None for a canvas that stands alone."""

    id: str
    title: str
    channel: str | None
    sections: list[Section] = field(default_factory=list[Section])
    _made: int = 0

    @property
    def markdown(self) -> str:
        return "\n\n".join(section.markdown for section in self.sections)

    def parse(self, content: Json) -> list[Section]:
        """Sections of a document_content. Raises Refusal canvas_editing_failed unless it is Markdown."""
        if content.get("type") != "markdown" or not isinstance(content.get("markdown"), str):
            raise Refusal("canvas_editing_failed", detail="document_content must be of type markdown")
        parts = [part.strip("\n") for part in content["markdown"].split("\n\n") if part.strip()]
        return [self._section(part) for part in parts]

    def change(self, change: Json) -> None:
        """Apply one change. Raises Refusal canvas_editing_failed with a detail."""
        operation = text_at(change, "operation")
        if operation not in OPERATIONS:
            raise Refusal("canvas_editing_failed", detail=f"unknown operation {operation!r}")
        if operation == "rename":
            self.title = text_at(object_at(change, "title_content"), "markdown") or self._no("title_content is missing")
            return
        if operation in NEED_SECTION and not change.get("section_id"):
            self._no(f"{operation} needs a section_id")
        new = self.parse(object_at(change, "document_content")) if operation in NEED_CONTENT else []
        start, end = self._span(operation, text_at(change, "section_id"))
        self.sections[start:end] = new

    def _span(self, operation: str, section_id: str) -> tuple[int, int]:
        """The slice of sections that the operation replaces."""
        if operation == "insert_at_start":
            return 0, 0
        if operation == "insert_at_end":
            return len(self.sections), len(self.sections)
        if operation == "replace" and not section_id:
            return 0, len(self.sections)
        at = next((n for n, section in enumerate(self.sections) if section.id == section_id), None)
        if at is None:
            self._no(f"there is no section {section_id}")
        if operation == "insert_before":
            return at, at
        return (at + 1, at + 1) if operation == "insert_after" else (at, at + 1)

    def _section(self, markdown: str) -> Section:
        self._made += 1
        return Section(id=f"temp:C:{self.id}{self._made:04d}", markdown=markdown)

    def _no(self, why: str) -> NoReturn:
        raise Refusal("canvas_editing_failed", detail=why)
