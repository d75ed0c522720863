"""The one door to every tool that changes something: grant, audit, act once, audit.

Tools know nothing of grants; the MCP side knows no other way to run them than `WriteGate.act`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SecretStr

from basecamp.arguments import bind
from basecamp.errors import ActFailed, BadRequest, BasecampError, Refused
from basecamp.grants import Grant, canonical_json, check_grant, read_grant, sha256_hex
from basecamp.tools import ToolSpec
from basecamp.writeaudit import AuditFile, Clock

_CLOSE_SECONDS = 10
_MAX_REFUSED_ARGUMENTS_BYTES = 4096
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call as it was sent."""

    tool: ToolSpec
    arguments: Mapping[str, Any]
    canonical: bytes

    @property
    def args_sha256(self) -> str:
        return sha256_hex(self.canonical)


class WriteGate:
    """Lets a call through when its grant allows exactly it, once, and writes down what became of every call."""

    def __init__(self, *, key: SecretStr | None, audit: AuditFile, clock: Clock, server: str | None = None) -> None:
        self._key = key.get_secret_value() if key else None
        self._server = server
        self._clock = clock
        self._running: set[asyncio.Task[BaseModel]] = set()
        self.audit = audit

    @property
    def has_key(self) -> bool:
        return self._key is not None

    async def act(self, tool: ToolSpec, arguments: Mapping[str, Any], token: object) -> BaseModel:
        """Run a tool once with these arguments, as its grant allows.

        Raises Refused when nothing was changed, ActFailed when something may have been. A caller that goes away does
        not stop a call that has begun: it ends, and its outcome is written.
        """
        task = asyncio.create_task(self._act(tool, arguments, token), name=f"write:{tool.name}")
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Wait for what is running, at most 10 s; what is cut off then is written down as unknown."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=_CLOSE_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _act(self, tool: ToolSpec, arguments: Mapping[str, Any], token: object) -> BaseModel:
        try:
            call = _Call(tool=tool, arguments=arguments, canonical=canonical_json(arguments))
        except Refused as refusal:
            await self._write_refusal({"tool": tool.name}, refusal)
            raise
        try:
            grant = read_grant(token, key=self._key)
            now = self._clock().timestamp()
            check_grant(grant, tool=tool.name, args_sha256=call.args_sha256, now=now, server=self._server)
            run = _bind(call, grant)
            await self._use(call, grant)
        except Refused as refusal:
            await self._write_refusal(_described(call), refusal)
            raise
        return await self._carry_out(call, grant, run())

    async def _use(self, call: _Call, grant: Grant) -> None:
        entry = {**_described(call), "arguments": call.arguments, "grant": grant.as_json()}
        try:
            await self.audit.use(grant, entry)
        except OSError as error:
            reason = f"the audit file cannot be written ({error.strerror}), so nothing is done"
            raise Refused(reason, grant=grant) from error

    async def _carry_out(self, call: _Call, grant: Grant, running: Any) -> BaseModel:
        """Await what has begun, and write down how it ended, whatever happens."""
        entry = {**_described(call), "grant": grant.as_json()}
        try:
            result = await running
        except BadRequest as error:
            # By its definition nothing was asked of a backend yet.
            await self._write_outcome({**entry, "outcome": "refused", "error": str(error)})
            raise Refused(str(error), grant=grant) from error
        except BasecampError as error:
            await self._write_outcome({**entry, "outcome": "failed", "error": str(error)})
            raise ActFailed(str(error)) from error
        except Exception as error:
            _log.exception("%s crashed", call.tool.name)
            await self._write_outcome({**entry, "outcome": "failed", "error": f"crashed: {type(error).__name__}"})
            raise ActFailed(f"{call.tool.name} crashed; the server's log says why") from error
        except asyncio.CancelledError:
            # The loop is ending: there may be no other turn to write in.
            self.audit.append_now("outcome", {**entry, "outcome": "unknown", "error": "cut off by shutdown"})
            raise
        await self._write_outcome({**entry, "outcome": "done", "result": result.model_dump(mode="json")})
        return result

    async def _write_outcome(self, entry: Mapping[str, Any]) -> None:
        try:
            await self.audit.append("outcome", entry)
        except OSError as error:
            ended = entry["outcome"]
            reason = f"it ended as {ended!r}, but the audit file cannot be written any more ({error.strerror})"
            raise ActFailed(reason) from error

    async def _write_refusal(self, entry: Mapping[str, Any], refusal: Refused) -> None:
        _log.warning("%s refused: %s", entry["tool"], refusal)
        grant = {"grant": refusal.grant.as_json()} if refusal.grant else {}
        try:
            await self.audit.append("refused", {**entry, **grant, "reason": str(refusal)})
        except OSError:
            # Nothing was done and nothing will be; the refusal itself must not depend on the disk.
            _log.exception("the refusal could not be written to %s", self.audit.file)

    def _ended(self, task: asyncio.Task[BaseModel]) -> None:
        self._running.discard(task)
        # Looked at, so that asyncio does not report a failure whose caller has gone; it stands in the audit file.
        if not task.cancelled():
            task.exception()


def _bind(call: _Call, grant: Grant) -> Any:
    try:
        return bind(call.tool.run, call.canonical)
    except BadRequest as error:
        raise Refused(str(error), grant=grant) from error


def _described(call: _Call) -> dict[str, Any]:
    described: dict[str, Any] = {"tool": call.tool.name, "args_sha256": call.args_sha256}
    if len(call.canonical) <= _MAX_REFUSED_ARGUMENTS_BYTES:
        described["arguments"] = call.arguments
    return described
