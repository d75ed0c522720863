"""blocks.validate: the validator that posts and views pass through, as a method of its own. It takes no token."""

import json
from typing import Any

from slackbox import limits
from slackbox.blocks import Problem, find_message_problems, find_problems, find_view_problems
from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods.call import Call

_KINDS = {"blocks": find_problems, "message": find_message_problems, "view": find_view_problems}


def validate(call: Call) -> Json:
    """Raises Refusal invalid_blocks, invalid_message or invalid_view with every problem, and invalid_arguments."""
    given = [kind for kind in _KINDS if call.args.get(kind) is not None]
    if len(given) != 1:
        raise Refusal("invalid_arguments", messages=["must provide exactly one of `blocks`, `view`, or `message`"])
    (kind,) = given
    problems = _problems(kind, call.args[kind])
    if problems:
        raise Refusal(f"invalid_{kind}", messages=map(str, problems), errors=[each.as_json() for each in problems])
    return {}


def _problems(kind: str, value: Any) -> list[Problem]:
    if isinstance(value, str):
        raise Refusal("invalid_arguments", messages=[f"[ERROR] {kind} is not JSON [json-pointer:/{kind}]"])
    if len(json.dumps(value)) > limits.VALIDATE_CHARACTERS:
        message = f"must be less than {limits.VALIDATE_CHARACTERS + 1} characters [json-pointer:/{kind}]"
        raise Refusal("invalid_arguments", messages=[f"[ERROR] {message}"])
    return _KINDS[kind](value)
