"""What is known of each tool (our effect, the server's words, the pin), and the one question put to the gate."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.core.approval import sha256_of
from bot.core.policy import Actor, Call, Decision, Effect, Pin, StepFacts, decide, stricter
from bot.ports import Pins, ToolSpec

GRANT = "aiops/grant"
"""Where a request's `_meta` carries the approval grant (docs/reference/grants.md)."""
OUTCOME = "aiops/outcome"
"""Where an answer's `_meta` says `refused` when nothing was done."""

_READ, _WRITE, _DESTRUCTIVE = Effect.READ, Effect.WRITE, Effect.DESTRUCTIVE

DEFAULT_EFFECTS: Mapping[str, Effect] = {
    "list_services": _READ,
    "read_logs": _READ,
    "read_metrics": _READ,
    "query_prometheus": _READ,
    "query_trino": _READ,
    "read_traces": _READ,
    "vector_search_postmortems": _READ,
    "pg_activity": _READ,
    "pg_sessions": _READ,
    "pg_settings": _READ,
    "redis_info": _READ,
    "redis_memory": _READ,
    "k8s_describe_pod": _READ,
    "k8s_events": _READ,
    "k8s_pod_logs": _READ,
    "k8s_rollout_history": _READ,
    "preview_write": _READ,
    "notify_slack": _WRITE,
    "redis_config_set": _WRITE,
    "k8s_scale": _WRITE,
    "k8s_rollout_restart": _DESTRUCTIVE,
    "k8s_rollout_undo": _DESTRUCTIVE,
    "k8s_delete_pod": _DESTRUCTIVE,
    "pg_terminate_backends": _DESTRUCTIVE,
    "redis_unlink": _DESTRUCTIVE,
}
"""Effects of the basecamp contract's tools; configuration adds to and overrides them, by exact name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A tool in its server's words."""

    spec: ToolSpec
    says_it_writes: bool
    says_it_destroys: bool

    @property
    def pinned(self) -> Mapping[str, object]:
        """What a person accepts: name, description, schema and hints."""
        return {
            "name": self.spec.name,
            "description": self.spec.description,
            "schema": dict(self.spec.schema),
            "says_it_writes": self.says_it_writes,
            "says_it_destroys": self.says_it_destroys,
        }

    @property
    def sha256(self) -> str:
        """The hash that is pinned."""
        return sha256_of(self.pinned)


class MemoryPins:
    """Pins for as long as the process lives: for commands that have no database open."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], str] = {}

    async def compare(
        self,
        server: str,
        tools: Mapping[str, tuple[str, Mapping[str, object]]],
        rivals: Mapping[str, Sequence[str]],
    ) -> Mapping[str, Pin]:
        """A tool is accepted at first sight, unless a rival has it; later it has to stay the same."""
        return {name: self._compare(server, name, sha256, rivals.get(name, ())) for name, (sha256, _) in tools.items()}

    def _compare(self, server: str, name: str, sha256: str, rivals: Sequence[str]) -> Pin:
        if (server, name) not in self._seen and any((rival, name) in self._seen for rival in rivals):
            return Pin.TAKEN
        return Pin.MATCHES if self._seen.setdefault((server, name), sha256) == sha256 else Pin.CHANGED


class ToolGate:
    """Asks `core.policy.decide` about every call; there is no way to a tool that does not pass here."""

    def __init__(
        self, effects: Mapping[str, Effect], pins: Pins, environments: Mapping[str, str] | None = None
    ) -> None:
        """`environments`: to which one each server belongs, by its name; left out where none is configured."""
        self._effects = dict(effects)
        self._environments = dict(environments or {})
        self._pins = pins
        self._known: dict[tuple[str, str], Pin] = {}

    async def note(self, server: str, tools: Sequence[Described], rivals: Mapping[str, Sequence[str]]) -> None:
        """A server has listed its tools: compare those that we list with what was accepted, of it and of its rivals."""
        listed = {one.spec.name: (one.sha256, one.pinned) for one in tools if one.spec.name in self._effects}
        for name, pin in (await self._pins.compare(server, listed, rivals)).items():
            self._known[server, name] = pin

    def listed(self, tools: Iterable[Described]) -> Sequence[Described]:
        """Those of some tools that our configuration names."""
        return [one for one in tools if one.spec.name in self._effects]

    def effect(self, tool: Described) -> Effect | None:
        """Ours, made stricter by what the server says; None: not listed."""
        ours = self._effects.get(tool.spec.name)
        if ours is None:
            return None
        return stricter(ours, says_it_writes=tool.says_it_writes, says_it_destroys=tool.says_it_destroys)

    def rule(
        self,
        tool: Described,
        *,
        actor: Actor,
        environment: str = "",
        paused: bool = False,
        step: StepFacts | None = None,
    ) -> Decision:
        """May this call be made?"""
        return decide(
            Call(
                tool=tool.spec.name,
                effect=self.effect(tool),
                actor=actor,
                # A tool that was never compared counts as changed: deny by default.
                pin=self._known.get((tool.spec.server, tool.spec.name), Pin.CHANGED),
                paused=paused,
                environment=environment,
                step=step,
                server=tool.spec.server,
                server_environment=self._environments.get(tool.spec.server, ""),
            )
        )

    def rule_unseen(self, name: str) -> Decision:
        """A tool that no server shows: refused if it is not even listed."""
        return decide(
            Call(
                tool=name,
                effect=self._effects.get(name),
                actor=Actor.TRIAGE_AGENT,
                pin=Pin.MATCHES,
                paused=False,
                environment="",
            )
        )
