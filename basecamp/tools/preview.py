"""One read tool that shows what a tool that changes something would do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from basecamp.arguments import bind
from basecamp.errors import BadRequest, nearest
from basecamp.grants import canonical_json
from basecamp.results import Preview
from basecamp.tools import Effect, ToolSpec


def preview_tool(writes: Sequence[ToolSpec]) -> ToolSpec:
    previews = {tool.name: tool.preview for tool in writes if tool.preview is not None}

    async def preview_write(
        tool: Annotated[str, Field(description="Name of the tool that would change something")],
        arguments: Annotated[dict[str, Any], Field(description="Its arguments, exactly as they would be sent")],
    ) -> Preview:
        """What a tool would change right now, on exactly which targets and as whom; changes nothing.

        `targets` are those that still match; an empty list means that there is nothing left to do.
        """
        preview = previews.get(tool)
        if preview is None:
            raise BadRequest(f"{tool!r} is not a tool that changes something here; {nearest(tool, previews)}")
        return await bind(preview, canonical_json(arguments))()

    return ToolSpec(run=preview_write, result=Preview, title="Preview a change", effect=Effect.READ)
