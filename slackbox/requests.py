"""Reading arguments in every encoding that Slack clients use."""

import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from slackbox.errors import Refusal
from slackbox.jsons import Json, as_object

# Only these are JSON inside a form field or a query; everything else is the text it looks like.
STRUCTURED: Final = frozenset(
    {
        "attachments", "blocks", "changes", "chunks", "criteria", "document_content", "files", "loading_messages",
        "message", "metadata", "prompts", "view",
    }
)  # fmt: skip
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"


async def read_arguments(request: Request) -> tuple[Json, str | None]:
    """Query and body together, the body first where both have a name; and the token if a form field held it.

    A token in the query or in JSON is dropped, as Slack takes none from there. Raises Refusal invalid_json,
    json_not_object, invalid_form_data, invalid_post_type, missing_post_type and, for a structured field that is not
    JSON, invalid_arguments.
    """
    raw = await request.body()
    kind = _kind(request)
    body = _body(raw, kind, request.headers.get("content-type", ""))
    merged = dict(request.query_params) | body
    token = body.get("token") if kind != _JSON else None
    args = {name: _structured(name, value) for name, value in merged.items() if name != "token"}
    return args, token if isinstance(token, str) else None


async def misplaced_token(request: Request) -> str | None:
    """Where a token was sent that Slack does not look at: query, json or None."""
    if "token" in request.query_params:
        return "query"
    try:
        return "json" if _kind(request) == _JSON and "token" in _json(await request.body()) else None
    except Refusal:
        return None


async def read_upload(request: Request) -> bytes:
    """The bytes of an upload: the whole body, or the first file of a multipart form. Raises Refusal invalid_form_data."""
    raw = await request.body()
    header = request.headers.get("content-type", "")
    if not header.lower().startswith(_MULTIPART):
        return raw
    for _, content, _ in _parts(raw, header):
        return content
    raise Refusal("invalid_form_data")


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _body(raw: bytes, kind: str, header: str) -> Json:
    if kind == _JSON:
        return _json(raw)
    if kind == _MULTIPART:
        # A file stays bytes: no argument is one, and the journal writes only how long it is.
        parts = _parts(raw, header)
        return {name: body if is_file else body.decode("utf-8", "replace") for name, body, is_file in parts}
    if not raw:
        return {}
    if kind == _FORM:
        return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    raise Refusal("invalid_post_type" if kind else "missing_post_type")


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


def _parts(raw: bytes, content_type: str) -> list[tuple[str, bytes, bool]]:
    """The parts of a form: name, content, and whether it is a file."""
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + raw)
    if not message.is_multipart():
        raise Refusal("invalid_form_data")
    parts: list[tuple[str, bytes, bool]] = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            parts.append((name, content, part.get_filename() is not None))
    return parts


def _structured(name: str, value: Any) -> Any:
    if name not in STRUCTURED or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        if name == "message":
            return value
        raise Refusal("invalid_arguments", messages=[f"[ERROR] {name} is not JSON [json-pointer:/{name}]"]) from error
