"""The rich_text block: sections, lists, quotes, preformatted text and what they are made of."""

import functools
import re
from collections.abc import Mapping
from typing import Final

from slackbox import limits
from slackbox.blocks.primitives import Check, array, choice, flag, ident, matching, number, record, string, tagged, url

_STYLES: Final = ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
_COLOR: Final = re.compile(r"#?[0-9a-fA-F]{6}", re.ASCII)


@functools.cache
def _inline_table() -> Mapping[str, Check]:
    style: dict[str, Check] = {"style": record({}, dict.fromkeys(_STYLES, flag))}
    named = ident(limits.ID)

    def inline(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
        return record(required, {**(optional or {}), **style}, tag=True)

    return {
        "text": inline({"text": string(None)}),
        "link": inline({"url": url(limits.URL)}, {"text": string(None, lo=0), "unsafe": flag}),
        "emoji": inline(
            {"name": named}, {"unicode": named, "skin_tone": number(lo=1, hi=limits.SKIN_TONE, whole=True)}
        ),
        "user": inline({"user_id": named}),
        "usergroup": inline({"usergroup_id": named}),
        "channel": inline({"channel_id": named}),
        "team": inline({"team_id": named}),
        "broadcast": inline({"range": choice("here", "channel", "everyone")}),
        "date": inline(
            {"timestamp": number(lo=0, whole=True), "format": string(None)},
            {"url": url(limits.URL), "fallback": string(None)},
        ),
        "color": inline({"value": matching(_COLOR, "#RRGGBB")}),
    }


@functools.cache
def _part_table() -> Mapping[str, Check]:
    indent = number(lo=0, hi=limits.LIST_INDENT, whole=True)
    border = number(lo=0, hi=1, whole=True)
    inline = array(tagged(_inline_table, "rich text element"), lo=0, hi=None)
    plain = {kind: _inline_table()[kind] for kind in ("text", "link")}
    verbatim = array(tagged(lambda: plain, "element of preformatted text"), lo=0, hi=None)
    section = record({"elements": inline}, tag=True)
    items = array(tagged(lambda: {"rich_text_section": section}, "list item"), hi=None)
    return {
        "rich_text_section": section,
        "rich_text_preformatted": record(
            {"elements": verbatim}, {"border": border, "language": ident(limits.ID)}, tag=True
        ),
        "rich_text_quote": record({"elements": inline}, {"border": border}, tag=True),
        "rich_text_list": record(
            {"style": choice("bullet", "ordered"), "elements": items},
            {"indent": indent, "offset": number(lo=0, whole=True), "border": border},
            tag=True,
        ),
    }


def rich_text_fields() -> Mapping[str, Check]:
    """Required fields of a rich_text block."""
    return {"elements": array(tagged(_part_table, "part of rich text"), lo=0, hi=None)}


def rich_text() -> Check:
    """A rich_text object where one stands inside another block, for example a table cell."""
    inner = record(rich_text_fields(), {"block_id": ident(limits.ID)}, tag=True)
    return tagged(lambda: {"rich_text": inner}, "rich text")
