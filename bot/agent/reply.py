"""What a model must answer, and how its text is read."""

import json
import re
from typing import Annotated, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.agent.draft import Draft, DraftHypothesis
from bot.core.errors import ModelReplyError
from bot.core.hypothesis import CauseClass, Claim, FirstAction, Suspect
from bot.core.redaction import redact
from bot.core.text import clean, clip, one_line

_MOST_HYPOTHESES = 3
_MOST_CLAIMS = 5
_MOST_RULED_OUT = 4
_FENCE = re.compile(r"^\s*```[a-zA-Z]*\n|\n```\s*$")


def _say(value: object) -> object:
    return clip(redact(clean(one_line(value))), 1000) if isinstance(value, str) else value


def _share(value: object) -> object:
    """Some models answer 72 where 0.72 was asked for."""
    return value / 100 if isinstance(value, int | float) and 1 < value <= 100 else value


def _none(value: object) -> object:
    return None if isinstance(value, str) and value.strip().lower() in {"", "null", "none"} else value


Said = Annotated[str, BeforeValidator(_say)]
Named = Annotated[str | None, BeforeValidator(_none)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class ReplyClaim(_Part):
    text: Said = Field(min_length=1)
    evidence: list[str] = Field(default_factory=list[str])


class ReplySuspect(_Part):
    service: str = Field(min_length=1)
    change_id: Named = None


class ReplyHypothesis(_Part):
    title: Said = Field(min_length=1)
    cause_class: CauseClass
    suspect: ReplySuspect | None = None
    claims: list[ReplyClaim] = Field(default_factory=list[ReplyClaim])
    confidence: Annotated[float, BeforeValidator(_share)] = Field(ge=0, le=1)
    disconfirming_check: Said = ""


class ReplyAction(_Part):
    text: Said = Field(min_length=1)
    runbook: Named = None
    step: Named = None


class TriageReply(_Part):
    """The structured reply of the prompts triage, continue and repair."""

    summary: Said = Field(min_length=1)
    hypotheses: list[ReplyHypothesis] = Field(min_length=2)
    first_action: ReplyAction | None = None
    ruled_out: list[Said] = Field(default_factory=list[str])
    verdict: Literal["confident", "uncertain"] = "confident"


def parse_reply(text: str) -> TriageReply:
    """Read a model's text; prose or a code fence around the object is forgiven. Raises ModelReplyError saying what is wrong."""
    bare = _FENCE.sub("", text.strip())
    start, end = bare.find("{"), bare.rfind("}")
    if start < 0 or end <= start:
        raise ModelReplyError("the answer holds no JSON object")
    try:
        value = cast("object", json.loads(bare[start : end + 1], strict=False))
    except ValueError as error:
        raise ModelReplyError(f"the answer is not valid JSON: {error}") from error
    try:
        return TriageReply.model_validate(value)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[:3]
        told = "; ".join(f"{'.'.join(str(part) for part in one['loc']) or 'answer'}: {one['msg']}" for one in wrong)
        raise ModelReplyError(f"the answer does not have the form that was asked for: {told}") from error


def to_draft(reply: TriageReply) -> Draft:
    """The reply as a draft, likeliest first, at most three hypotheses."""
    ranked = sorted(reply.hypotheses, key=lambda one: -one.confidence)[:_MOST_HYPOTHESES]
    action = reply.first_action
    return Draft(
        summary=reply.summary,
        hypotheses=tuple(_hypothesis(one) for one in ranked),
        first_action=FirstAction(text=clip(action.text, 300), runbook=action.runbook, step=action.step)
        if action
        else None,
        ruled_out=tuple(clip(one, 300) for one in reply.ruled_out[:_MOST_RULED_OUT]),
    )


def _hypothesis(one: ReplyHypothesis) -> DraftHypothesis:
    return DraftHypothesis(
        title=one.title,
        cause_class=one.cause_class,
        suspect=Suspect(service=one.suspect.service, change_id=one.suspect.change_id) if one.suspect else None,
        claims=tuple(
            Claim(text=claim.text, evidence=tuple(dict.fromkeys(claim.evidence))) for claim in one.claims[:_MOST_CLAIMS]
        ),
        raw=one.confidence,
        disconfirming_check=clip(one.disconfirming_check, 300),
    )
