"""What the judge must answer, and how its text is read."""

import json
from typing import Annotated, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.core.errors import ModelReplyError
from bot.core.outcome import Grade
from bot.core.redaction import redact
from bot.core.text import clean, clip, one_line

_REASON = 300


def _number(value: object) -> object:
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


def _say(value: object) -> object:
    return clip(redact(one_line(clean(value))), _REASON) if isinstance(value, str) else value


class Verdict(BaseModel):
    """The structured reply of the prompt judge."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    grade: Annotated[Grade, BeforeValidator(_number)]
    reason: Annotated[str, BeforeValidator(_say)] = Field(min_length=1)


def parse_verdict(text: str) -> Verdict:
    """Read a model's text; prose around the object is forgiven. Raises ModelReplyError saying what is wrong."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end <= start:
        raise ModelReplyError("the judge's answer holds no JSON object")
    try:
        return Verdict.model_validate(cast("object", json.loads(text[start : end + 1], strict=False)))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "answer"
        raise ModelReplyError(f"the judge's answer does not have its form: {where}: {first['msg']}") from error
    except ValueError as error:
        raise ModelReplyError(f"the judge's answer is not valid JSON: {error}") from error
