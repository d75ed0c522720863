"""The rich_text block: sections, lists, quotes, preformatted text and what they are made of."""

import functools
from collections.abc import Mapping

from slackbox import limits
from slackbox.blocks.primitives import Check, array, choice, flag, ident, number, record, string, tagged, url

_MANY = 1_000


def _style() -> Check:
    names = ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
    return record({}, dict.fromkeys(names, flag))


@functools.cache
def _inline_table() -> Mapping[str, Check]:
    style: dict[str, Check] = {"style": _style()}
    person = ident(limits.ID)
    return {
        "text": record({"text": string(limits.MESSAGE_BLOCK_CHARACTERS)}, style),
        "link": record({"url": url(limits.URL)}, {"text": string(limits.SECTION_TEXT, lo=0), "unsafe": flag, **style}),
        "emoji": record({"name": ident(100)}, {"unicode": ident(100), "skin_tone": number(whole=True), **style}),
        "user": record({"user_id": person}, style),
        "usergroup": record({"usergroup_id": person}, style),
        "channel": record({"channel_id": person}, style),
        "team": record({"team_id": person}, style),
        "broadcast": record({"range": choice("here", "channel", "everyone")}, style),
        "date": record(
            {"timestamp": number(lo=0, whole=True), "format": string(200)},
            {"url": url(limits.URL), "fallback": string(300), **style},
        ),
        "color": record({"value": ident(20)}, style),
    }


def _inline() -> Check:
    return array(tagged(_inline_table, "rich text element"), lo=0, hi=_MANY)


def _preformatted_inline() -> Check:
    table = {kind: _inline_table()[kind] for kind in ("text", "link")}
    return array(tagged(lambda: table, "preformatted element"), lo=0, hi=_MANY)


@functools.cache
def _part_table() -> Mapping[str, Check]:
    indent = number(lo=0, hi=8, whole=True)
    border = number(lo=0, hi=1, whole=True)
    section = record({"elements": _inline()})
    return {
        "rich_text_section": section,
        "rich_text_preformatted": record(
            {"elements": _preformatted_inline()}, {"border": border, "language": ident(50)}
        ),
        "rich_text_quote": record({"elements": _inline()}, {"border": border}),
        "rich_text_list": record(
            {
                "style": choice("bullet", "ordered"),
                "elements": array(tagged(lambda: {"rich_text_section": section}, "list item"), hi=_MANY),
            },
            {"indent": indent, "offset": number(lo=0, whole=True), "border": border},
        ),
    }


def rich_text_fields() -> Mapping[str, Check]:
    return {"elements": array(tagged(_part_table, "rich text part"), hi=_MANY)}


def rich_text() -> Check:
    """A rich_text object where one stands inside another block, for example a table cell."""
    inner = record(rich_text_fields(), {"block_id": ident(limits.ID)})
    return tagged(lambda: {"rich_text": inner}, "rich text")
