"""
The one error tree.

AiopsError
├── ConfigError          settings, aiops.yaml, prompts, runbooks, postmortems
├── PayloadError         something a sender sent is not what it claims to be
├── NotFoundError        an id that is not there
├── ConflictError        somebody else was first, or the row moved on
│   └── LeaseLostError   another worker took the investigation over
├── StoreError           PostgreSQL said no
│   └── StoreUnavailableError   PostgreSQL is away or too slow; try again
├── BudgetSpentError     a budget does not allow another model call
├── ModelError           the model's side failed
│   ├── ModelUnavailableError   no answer: network, timeout, 429, 5xx
│   └── ModelReplyError  an answer that is not what was asked for
├── ToolError            an MCP tool call failed
│   ├── ToolDeniedError  the tool is not on the list
│   └── ToolUnavailableError    the server is away or too slow
└── ChatError            Slack said no
    └── ChatUnavailableError    Slack is away, slow or rate limiting; try again

The message is for a person. The cause is chained and goes to the log.
"""


class AiopsError(Exception):
    """Something went wrong inside aiops."""


class ConfigError(AiopsError):
    """A file or setting is not usable; the message names file, line and the nearest valid name."""


class PayloadError(AiopsError):
    """What a sender sent cannot be read; the message says which field and why."""


class NotFoundError(AiopsError):
    """No such thing."""


class ConflictError(AiopsError):
    """The row has moved on since it was read."""


class LeaseLostError(ConflictError):
    """Another worker has taken this investigation over."""


class StoreError(AiopsError):
    """The database refused a statement."""


class StoreUnavailableError(StoreError):
    """The database cannot be reached in time."""


class BudgetSpentError(AiopsError):
    """A budget is spent; the message names it."""


class ModelError(AiopsError):
    """The model could not help."""


class ModelUnavailableError(ModelError):
    """The model did not answer in time, or its gateway refused the call."""


class ModelReplyError(ModelError):
    """The model answered with something else than was asked for."""


class ToolError(AiopsError):
    """A tool call failed; the message holds the server's words."""


class ToolDeniedError(ToolError):
    """The tool is not listed with an effect, so it is denied."""


class ToolUnavailableError(ToolError):
    """The tool's server is away or too slow."""


class NotAllowedError(AiopsError):
    """This person may not do this; the sentence says who may."""


class ChatError(AiopsError):
    """Slack refused the call."""


class ChatUnavailableError(ChatError):
    """Slack is away, slow or rate limiting."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
