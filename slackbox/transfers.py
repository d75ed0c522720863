"""Bytes of files over HTTP: the address an upload is posted to, and the address a file is fetched from."""

from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from slackbox.auth import bearer, require_scope
from slackbox.box import Box
from slackbox.errors import Refusal
from slackbox.files import File
from slackbox.requests import read_upload

UPLOAD: Final = "files.upload.v1"
DOWNLOAD: Final = "files.download"
PATHS: Final = frozenset({UPLOAD, DOWNLOAD})


def upload_url(netloc: str, file: File) -> str:
    """Where the bytes of an announced file go."""
    return f"http://{netloc}/api/{UPLOAD}?ticket={file.ticket}"


async def handle(box: Box, request: Request) -> Response:
    """Take an upload or hand out a file."""
    return await _take(box, request) if request.path_params["method"] == UPLOAD else _hand_out(box, request)


async def _take(box: Box, request: Request) -> Response:
    """Bytes of an announced file: once, by POST, and exactly as many as were announced."""
    ticket = request.query_params.get("ticket", "")
    file = next((each for each in box.workspace.files.values() if each.ticket == ticket), None)
    if request.method != "POST" or file is None or file.state != "announced":
        box.journal.write("upload", file=None, answer=404)
        return PlainTextResponse("there is no such upload", 404)
    try:
        data = await read_upload(request)
    except Refusal as refusal:
        return PlainTextResponse(refusal.code, 400)
    if len(data) != file.length:
        box.journal.write("upload", file=file.id, answer=400, announced=file.length, sent=len(data))
        return PlainTextResponse(f"announced {file.length} bytes, got {len(data)}", 400)
    file.data, file.state = data, "uploaded"
    box.journal.write("upload", file=file.id, answer=200, sent=len(data))
    return PlainTextResponse(f"OK - {len(data)}")


def _hand_out(box: Box, request: Request) -> Response:
    """A file's bytes for a bearer with files:read; anybody else is sent to the sign-in page, as Slack does."""
    file = box.workspace.files.get(request.query_params.get("file", ""))
    if file is None or file.state != "complete":
        return PlainTextResponse("file_not_found", 404)
    if bearer(request) != box.tokens.bot or box.tokens.bot in box.tokens.revoked:
        # A client that follows this stores a web page under the file's name and reports success.
        box.journal.violation("file_fetched_without_token", file=file.id)
        return RedirectResponse("/", 302)
    try:
        require_scope(box.manifest, "files:read")
    except Refusal as refusal:
        return PlainTextResponse(refusal.code, 403)
    # An uploaded page must not run as part of slackbox's own.
    safe = {"content-disposition": "attachment", "x-content-type-options": "nosniff"}
    return Response(file.data, media_type=str(file.describe("")["mimetype"]), headers=safe)
