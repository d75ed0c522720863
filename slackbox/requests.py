"""Reading arguments in every encoding that Slack clients use."""

import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from slackbox.errors import Refusal
from slackbox.jsons import Json, as_object

# Only these are JSON inside a form field or a query; everything else is the text it looks like.
STRUCTURED = frozenset({"blocks", "attachments", "metadata", "view", "message", "loading_messages"})


async def read_arguments(request: Request) -> tuple[Json, str | None]:
    """The arguments, and the token if it was sent as one. Raises Refusal invalid_json or invalid_form_data."""
    raw = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    args: Json = dict(request.query_params)
    if kind == "application/json":
        args |= _json(raw)
    elif kind == "multipart/form-data":
        args |= _multipart(raw, request.headers["content-type"])
    elif raw:
        args |= dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    token = args.pop("token", None)
    return {name: _structured(name, value) for name, value in args.items()}, token if isinstance(token, str) else None


def _json(raw: bytes) -> Json:
    if not raw:
        return {}
    try:
        body = as_object(json.loads(raw))
    except ValueError as error:
        raise Refusal("invalid_json") from error
    if body is None:
        raise Refusal("json_not_object")
    return body


def _multipart(raw: bytes, content_type: str) -> Json:
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + raw)
    fields: Json = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            fields[name] = content.decode("utf-8", "replace")
    return fields


def _structured(name: str, value: Any) -> Any:
    if name not in STRUCTURED or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        if name == "message":
            return value
        raise Refusal("invalid_arguments", messages=[f"[ERROR] {name} is not JSON [json-pointer:/{name}]"]) from error
