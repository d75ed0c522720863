"""Slack: telling people in a channel."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from basecamp.backends.slack import MAX_TEXT, Slack
from basecamp.results import Preview, WriteOutcome
from basecamp.tools import Effect, ToolSpec

Channel = Annotated[str, Field(description="A channel's id, or its name after #, as configured")]
Text = Annotated[str, Field(description=f"At most {MAX_TEXT} characters; mentions and links are shown as plain text")]


def slack_tools(slack: Slack) -> list[ToolSpec]:
    async def notify_slack(channel: Channel, text: Text) -> WriteOutcome:
        """Post a text to a Slack channel. Nobody is pinged: mentions in the text are shown as they are written."""
        return await slack.post(channel, text)

    async def preview(channel: str, text: str) -> Preview:
        return await slack.preview(channel, text)

    title = "Post to Slack"
    return [ToolSpec(run=notify_slack, result=WriteOutcome, title=title, effect=Effect.WRITE, preview=preview)]
