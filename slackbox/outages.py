"""What a fault does to a Web API call on the wire."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from slackbox.box import Box
from slackbox.errors import Refusal
from slackbox.faults import Fault
from slackbox.jsons import Json
from slackbox.requests import read_arguments
from slackbox.socketmode import TRANSPORT


async def before(fault: Fault, request: Request, box: Box) -> Response | None:
    """What a fault does before the method runs; None when the method is to run all the same.

    Writes the fault into the journal and, when the method is not to run, the call too.
    """
    method = request.path_params["method"]
    box.journal.write("fault", method=method, fault=fault.kind)
    if fault.kind == "slow":
        await box.clock.sleep(fault.ms / 1000)
    if fault.kind in {"slow", "apply_then_drop"}:
        return None
    box.journal.write("call", method=method, args=await _arguments(request), answer=None, fault=fault.kind)
    return await _failure(fault, request)


async def drop(request: Request) -> Response:
    """Cut the connection without an answer. The returned response goes nowhere."""
    transport = request.scope["state"].get(TRANSPORT)
    if isinstance(transport, asyncio.Transport):
        transport.abort()
        while (await request.receive())["type"] != "http.disconnect":
            continue
    return Response(status_code=500)


async def _arguments(request: Request) -> Json | None:
    try:
        args, _ = await read_arguments(request)
    except Refusal:
        return None
    return args


async def _failure(fault: Fault, request: Request) -> Response:
    match fault.kind:
        case "status":
            return PlainTextResponse("upstream failure", fault.status)
        case "malformed":
            return Response('{"ok": tru', media_type="application/json")
        case "error":
            return JSONResponse({"ok": False, "error": fault.error})
        case "ratelimited":
            headers = {"retry-after": str(fault.retry_after)}
            return JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers=headers)
        case _:
            return await drop(request)
