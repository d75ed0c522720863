"""A short line in a thread."""

from bot.core.posts import Notice
from bot.slack.views import blocks as b
from bot.slack.views.message import TEXT_LIMIT, Message
from bot.slack.views.text import ours


def notice_message(notice: Notice) -> Message:
    """The flow's own words; links and dates work, mentions do not."""
    text = ours(notice.text, TEXT_LIMIT)
    return Message(text=text, blocks=(b.section(text),))
