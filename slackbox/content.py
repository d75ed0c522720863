"""What a message may contain: Slack's rules for text, blocks, attachments and metadata."""

import json
import re
from typing import Any

from slackbox import limits
from slackbox.blocks import count_characters, validate_blocks
from slackbox.box import Box
from slackbox.elements import name_elements
from slackbox.errors import Refusal
from slackbox.jsons import Json, as_list, as_object, objects_at

_PINGS = re.compile(r"<!(channel|here|everyone)(\|[^>]*)?>")


def read_content(box: Box, args: Json, *, method: str) -> Json:
    """Check and collect the content of a message. Raises Refusal with Slack's codes."""
    content = _blocks(args) | _attachments(args) | _metadata(args)
    text = args.get("text")
    markdown = args.get("markdown_text")
    if markdown is not None:
        if text or args.get("blocks"):
            raise Refusal("markdown_text_conflict")
        content["text"] = _markdown(str(markdown))
        content["blocks"] = [{"type": "markdown", "text": content["text"]}]
    elif text is not None:
        content["text"] = str(text)[: limits.MESSAGE_TEXT]
    _note_violations(box, content, method)
    return content


def require_something(content: Json) -> None:
    """Raises Refusal no_text for a message without any content."""
    if not any(content.get(part) for part in ("text", "blocks", "attachments")):
        raise Refusal("no_text")


def with_block_ids(box: Box, blocks: list[Any]) -> list[Any]:
    """Give each block and each element an id as Slack does; a markdown block keeps none."""
    name_elements(blocks)
    return [
        block if block.get("type") == "markdown" else {"block_id": f"b{box.workspace.next_ts()[-6:]}{n}", **block}
        for n, block in enumerate(blocks)
    ]


def _blocks(args: Json) -> Json:
    if args.get("blocks") is None:
        return {}
    problems = validate_blocks(args["blocks"])
    if problems:
        raise Refusal("invalid_blocks", messages=problems)
    if count_characters(args["blocks"]) > limits.MESSAGE_BLOCK_CHARACTERS:
        raise Refusal("msg_blocks_too_long")
    return {"blocks": as_list(args["blocks"]) or []}


def _attachments(args: Json) -> Json:
    if args.get("attachments") is None:
        return {}
    attachments = as_list(args["attachments"])
    if attachments is None:
        raise Refusal("invalid_attachments")
    if len(attachments) > limits.MESSAGE_ATTACHMENTS:
        raise Refusal("too_many_attachments")
    for position, attachment in enumerate(objects_at({"all": attachments}, "all")):
        if "blocks" in attachment:
            problems = validate_blocks(attachment["blocks"], pointer=f"/attachments/{position}/blocks")
            if problems:
                raise Refusal("invalid_blocks", messages=problems)
    return {"attachments": attachments}


def _metadata(args: Json) -> Json:
    if args.get("metadata") is None:
        return {}
    metadata = as_object(args["metadata"])
    payload = as_object(metadata.get("event_payload")) if metadata else None
    if metadata is None or payload is None or not isinstance(metadata.get("event_type"), str):
        raise Refusal("invalid_metadata_format")
    if any(isinstance(value, dict) for value in payload.values()):
        raise Refusal("invalid_metadata_format", messages=["event_payload must be flat"])
    if len(json.dumps(metadata).encode()) > limits.METADATA_BYTES:
        raise Refusal("metadata_too_large")
    return {"metadata": {"event_type": metadata["event_type"], "event_payload": payload}}


def _markdown(text: str) -> str:
    if len(text) > limits.MARKDOWN_TOTAL:
        raise Refusal("msg_too_long")
    return text


def _note_violations(box: Box, content: Json, method: str) -> None:
    if content.get("blocks") and not content.get("text"):
        box.journal.violation("missing_text_fallback", method=method)
    if _PINGS.search(json.dumps(content)):
        box.journal.violation("pings_everyone", method=method, text=content.get("text"))
