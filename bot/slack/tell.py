"""Answering whoever pressed or typed: a sentence, or an error with an id that is in the log too."""

import logging
import secrets
from collections.abc import Awaitable

from bot.core.errors import AiopsError, ChatError
from bot.slack.answers import answer
from bot.slack.payload import Json, record, text_of
from bot.slack.views import replies
from bot.slack.views.message import Message

_log = logging.getLogger(__name__)


class Teller:
    """Does what was asked and answers ephemerally."""

    async def tell(self, body: Json, work: Awaitable[Message | None]) -> None:
        """Nothing may be raised from here to Bolt: it would withdraw the acknowledgement."""
        try:
            message = await work
            if message is not None:
                await self._answer(body, message)
        # The outermost point of a request; the handler below logs the error and tells the person.
        except Exception as error:  # noqa: BLE001 - see above
            await self.on_error(error, body)

    async def on_error(self, error: Exception, body: Json) -> None:
        """People get a sentence and an id; the log gets the id and the cause."""
        error_id = secrets.token_hex(4)
        _log.error("Slack request failed, error id %s: %s", error_id, error, exc_info=error)
        text = str(error) if isinstance(error, AiopsError) else "Something went wrong here, not in what you typed."
        try:
            await self._answer(body, replies.error_message(text, error_id))
        except ChatError as unanswered:
            _log.warning("The person could not be told of error %s: %s", error_id, unanswered)

    async def _answer(self, body: Json, message: Message) -> None:
        address = text_of(body, "response_url")
        if not address:
            _log.info("nobody to answer to: %s", message.text)
            return
        await answer(address, message, thread_ts=text_of(record(body.get("message")), "thread_ts"))


def user_of(body: Json) -> str:
    """Who pressed."""
    return text_of(record(body.get("user")), "id")
