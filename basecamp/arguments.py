"""Arguments of calls that must be taken exactly as they were sent.

The protocol library is lenient: it drops unknown names, reads text as JSON and turns "5" into 5. Where arguments were
approved by a person, what is hashed must be what runs, so these are read strictly from their canonical JSON.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from basecamp.errors import BadRequest, nearest

ResultT = TypeVar("ResultT", bound=BaseModel)


def bind(function: Callable[..., Awaitable[ResultT]], canonical: bytes) -> Callable[[], Awaitable[ResultT]]:
    """The function with its arguments, ready to be called. Raises BadRequest that names the argument."""
    model = _model(function)
    try:
        parsed = model.model_validate_json(canonical, strict=True)
    except ValidationError as error:
        known = list(model.model_fields)
        raise BadRequest("; ".join(_reason(each, known) for each in error.errors(include_url=False))) from None
    arguments = {name: getattr(parsed, name) for name in model.model_fields}
    return lambda: function(**arguments)


def _model(function: Callable[..., Any]) -> type[BaseModel]:
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    fields: dict[str, Any] = {
        each.name: (each.annotation, ... if each.default is inspect.Parameter.empty else each.default)
        for each in parameters
    }
    return create_model("Arguments", __config__=ConfigDict(extra="forbid"), **fields)


def _reason(error: Any, known: list[str]) -> str:
    path = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in error["loc"]).removeprefix(".")
    if error["type"] == "extra_forbidden":
        hint = f"; {nearest(path, known)}" if len(error["loc"]) == 1 else ""
        return f"{path} is not an argument{hint}"
    if error["type"] == "missing":
        return f"{path} is missing"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{path or 'the arguments'}: {message[:1].lower()}{message[1:]}"
