"""A short line in a thread."""

from bot.core.posts import Notice
from bot.slack.views import blocks as b
from bot.slack.views.message import TEXT_LIMIT, Message
from bot.slack.views.text import Mrkdwn, person, safe


def notice_message(notice: Notice) -> Message:
    """One line without markup: it may quote an error of a tool or a model, whose words are anybody's."""
    text = safe(notice.text, TEXT_LIMIT)
    if notice.by:
        text = Mrkdwn(f"{person(notice.by)} {safe(notice.text, TEXT_LIMIT // 2)}")
    return Message(text=text, blocks=(b.section(text),))
