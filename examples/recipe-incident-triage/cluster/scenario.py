"""The scenario file: which objects are there, what their images do, who may do what, and what happens when.

Read strictly: an unknown key is an error that names it.
"""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from .errors import JsonObject
from .quantities import memory_bytes

_OFFSET = re.compile(r"(?P<sign>[+-]?)(?P<number>\d+(?:\.\d+)?)(?P<unit>[smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class ScenarioError(Exception):
    """The scenario file cannot be used; the message says where and why."""


def _check_offset(text: str) -> str:
    if not _OFFSET.fullmatch(text):
        raise ValueError("is no offset; write -3d, -2h, +20s or 90s")
    return text


def _check_memory(text: str) -> str:
    memory_bytes(text)
    return text


Offset = Annotated[str, AfterValidator(_check_offset)]
Memory = Annotated[str, AfterValidator(_check_memory)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Part):
    """When a behaviour applies; all that is given must hold."""

    env_missing: Sequence[str] = ()
    env: Mapping[str, str] = Field(default_factory=dict)
    """Name to regular expression that must be found in the value."""
    arguments: str | None = None
    """Regular expression that must be found in command and arguments, joined by spaces."""
    memory_limit_below: Memory | None = None

    def holds(self, container: JsonObject, env: Mapping[str, str]) -> bool:
        if any(env.get(name) for name in self.env_missing):
            return False
        if any(name not in env or not re.search(pattern, env[name]) for name, pattern in self.env.items()):
            return False
        line = " ".join([*(container.get("command") or ()), *(container.get("args") or ())])
        if self.arguments is not None and not re.search(self.arguments, line):
            return False
        if self.memory_limit_below is None:
            return True
        limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
        return limit is not None and memory_bytes(limit) < memory_bytes(self.memory_limit_below)


class Ending(_Part):
    """How a container ends by itself, so long after its start."""

    code: int = Field(ge=0, le=255)
    after_seconds: float = Field(default=1.0, ge=0)
    reason: Literal["Error", "Completed", "OOMKilled"] = "Error"


class Behaviour(_Part):
    """What a container does once it has started."""

    when: Condition = Condition()
    logs: Sequence[str] = ()
    """Written evenly over the time until the container ends or is ready."""
    exit: Ending | None = None
    ready_after_seconds: float = Field(default=1.0, ge=0)
    unready: str | None = None
    """What the readiness probe says for ever instead of becoming ready."""


class Program(_Part):
    """What is inside an image; an image that no program matches cannot be pulled."""

    image: str
    """Exact, or with * and ?."""
    behaviours: Sequence[Behaviour] = Field(min_length=1)
    """The first whose condition holds decides."""

    def matches(self, image: str) -> bool:
        return fnmatch.fnmatchcase(image, self.image)


class BackOff(_Part):
    """kubelet: 10 s, doubled up to 5 min, forgotten once a container has run twice the maximum."""

    initial_seconds: float = Field(default=10.0, gt=0)
    most_seconds: float = Field(default=300.0, gt=0)


class Cluster(_Part):
    """What the cluster is like."""

    version: str = Field(default="v1.32.4", pattern=r"^v\d+\.\d+\.\d+$")
    nodes: Sequence[str] = Field(default=("worker-1", "worker-2"), min_length=1)
    back_off: BackOff = BackOff()
    start_seconds: float = Field(default=1.0, ge=0)
    """From scheduled to started."""
    stop_seconds: float = Field(default=1.0, ge=0)
    """From the signal to end until a container has ended."""
    seed: int = 1


class User(_Part):
    """Who may come in. view reads all but secrets, edit also changes workloads, admin may do anything."""

    name: str = Field(min_length=1)
    token: str | None = Field(default=None, min_length=8)
    """Absent: a new one at every start."""
    role: Literal["view", "edit", "admin"]


class Happening(_Part):
    """A change that somebody makes to a deployment, so long before or after the start."""

    at: Offset
    deployment: str
    patch: JsonObject
    """A strategic merge patch."""
    change_cause: str | None = None


class Scenario(_Part):
    """All of a scenario file."""

    namespace: str = "default"
    cluster: Cluster = Cluster()
    users: Sequence[User] = (User(name="admin", role="admin"),)
    programs: Sequence[Program] = ()
    created: Offset = "0s"
    """When the objects were made."""
    objects: Sequence[JsonObject] = ()
    happenings: Sequence[Happening] = ()

    def behaviour(self, container: JsonObject, env: Mapping[str, str]) -> Behaviour | None:
        """What a container does; None when its image cannot be pulled."""
        program = next((one for one in self.programs if one.matches(container["image"])), None)
        if program is None:
            return None
        chosen = (one for one in program.behaviours if one.when.holds(container, env))
        return next(chosen, Behaviour())


def seconds(offset: str) -> timedelta:
    """`-3d` or `+20s` as a duration."""
    found = _OFFSET.fullmatch(offset)
    assert found is not None, "offsets were checked when the scenario was read"
    duration = timedelta(seconds=float(found["number"]) * _UNITS[found["unit"]])
    return -duration if found["sign"] == "-" else duration


def load_scenario(file: Path) -> Scenario:
    """Read a scenario (YAML or JSON). Raises ScenarioError."""
    try:
        value: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"{file}: {error}") from error
    return parse_scenario(value, where=str(file))


def parse_scenario(value: Any, *, where: str = "scenario") -> Scenario:
    """A scenario from plain data. Raises ScenarioError naming every wrong key."""
    try:
        return Scenario.model_validate(value)
    except ValidationError as error:
        lines = [f"{where}: {'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
        raise ScenarioError("\n".join(lines)) from None
