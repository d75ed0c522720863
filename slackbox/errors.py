"""Errors of slackbox.

SlackboxError
├── ManifestError   the app manifest cannot be used
├── WorldError      a test or a person asked for something that is not there
└── Refusal         an answer with ok=false, in Slack's own codes
"""

import difflib
from collections.abc import Iterable

from slackbox.jsons import Json


class SlackboxError(Exception):
    """Something is wrong with how slackbox was used."""


class ManifestError(SlackboxError):
    """The app manifest cannot be read."""


class WorldError(SlackboxError):
    """The test API was asked for a person, channel, message or button that does not exist."""


class Refusal(SlackboxError):
    """A Web API answer with ok=false. `code` is Slack's error code.

    `messages` go to response_metadata, `needed` and `provided` are scopes, `retry_after` is in seconds and makes it a
    429, `detail` is the sentence that some methods add and `errors` the list of those that name each person.
    """

    def __init__(
        self,
        code: str,
        *,
        messages: Iterable[str] = (),
        needed: str | None = None,
        provided: str | None = None,
        retry_after: int | None = None,
        detail: str | None = None,
        errors: Iterable[Json] = (),
    ) -> None:
        super().__init__(code)
        self.code = code
        self.messages = tuple(messages)
        self.needed = needed
        self.provided = provided
        self.retry_after = retry_after
        self.detail = detail
        self.errors = tuple(errors)


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known word, or lists what there is."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"Did you mean {close[0]}?"
    return f"There is: {', '.join(names) or 'nothing'}."
