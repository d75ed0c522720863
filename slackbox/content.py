"""What a message may contain: Slack's rules for text, blocks, attachments and metadata."""

import json
import re
from typing import Any

from slackbox import limits
from slackbox.blocks import inspect_message
from slackbox.box import Box
from slackbox.elements import name_elements
from slackbox.errors import Refusal
from slackbox.jsons import Json, as_list, as_object, list_at, objects_at, text_at

_PINGS = re.compile(r"<!(channel|here|everyone)(\|[^>]*)?>")


def read_content(box: Box, args: Json, *, method: str) -> Json:
    """Check and collect the content of a message. Raises Refusal with Slack's codes."""
    _inspect(box, args, method)
    content = _blocks(args) | _attachments(box, args) | _metadata(args)
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


def _inspect(box: Box, args: Json, method: str) -> None:
    """Check the blocks of the message and of its attachments together; some limits hold for all of them."""
    blocks, attachments = args.get("blocks"), args.get("attachments")
    if blocks is not None and as_list(blocks) is None:
        raise Refusal("invalid_blocks_format", messages=["[ERROR] must be an array [json-pointer:/blocks]"])
    if attachments is not None:
        _require_attachments(attachments)
    inspection = inspect_message(blocks, attachments)
    if inspection.empty_alt_texts:
        box.journal.violation("empty_alt_text", method=method, images=inspection.empty_alt_texts)
    if inspection.problems:
        raise Refusal("invalid_blocks", messages=map(str, inspection.problems))
    if inspection.characters > limits.MESSAGE_BLOCK_CHARACTERS:
        raise Refusal("msg_blocks_too_long")


def _require_attachments(attachments: Any) -> None:
    listed = as_list(attachments)
    if listed is None or any(as_object(each) is None for each in listed):
        raise Refusal("invalid_attachments")
    if len(listed) > limits.MESSAGE_ATTACHMENTS:
        raise Refusal("too_many_attachments")


def _blocks(args: Json) -> Json:
    return {"blocks": list_at(args, "blocks")} if args.get("blocks") is not None else {}


def _attachments(box: Box, args: Json) -> Json:
    if args.get("attachments") is None:
        return {}
    listed = objects_at(args, "attachments")
    return {"attachments": [_numbered(box, each, number) for number, each in enumerate(listed, start=1)]}


def _numbered(box: Box, attachment: Json, number: int) -> Json:
    """Slack counts attachments from 1; a press in the blocks of one names it by that."""
    blocks = {"blocks": with_block_ids(box, attachment["blocks"])} if attachment.get("blocks") else {}
    return {"id": number, **attachment, **blocks}


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
    if _shows_blocks(content) and not text_at(content, "text").strip():
        box.journal.violation("missing_text_fallback", method=method)
    if _PINGS.search(json.dumps(content)):
        box.journal.violation("pings_everyone", method=method, text=content.get("text"))


def _shows_blocks(content: Json) -> bool:
    """Whether there are blocks that notifications and screen readers cannot tell without a text."""
    silent = [each for each in objects_at(content, "attachments") if each.get("blocks") and not each.get("fallback")]
    return bool(content.get("blocks") or silent)
