"""The types of the fields that this cluster reads; whatever else an object holds is kept as it is."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from .errors import JsonObject, bad_request
from .kinds import DEPLOYMENTS, PODS, REPLICA_SETS, Resource
from .quantities import memory_bytes


def _check_memory(resources: dict[str, str | int | float]) -> dict[str, str | int | float]:
    if "memory" in resources:
        memory_bytes(str(resources["memory"]))
    return resources


Percentage = Annotated[str, Field(pattern=r"^\d+%$")]
Count = Annotated[int, Field(ge=0)]
Quantities = Annotated[dict[str, str | int | float], AfterValidator(_check_memory)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class _Meta(_Shape):
    name: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class _Env(_Shape):
    name: str
    value: str = ""
    valueFrom: dict[str, dict[str, Any]] = {}  # noqa: N815 - the field's name in Kubernetes


class _Resources(_Shape):
    limits: Quantities = {}
    requests: Quantities = {}


class _Container(_Shape):
    name: str = ""
    image: str = ""
    command: list[str] = []
    args: list[str] = []
    env: list[_Env] = []
    envFrom: list[dict[str, Any]] = []  # noqa: N815 - the field's name in Kubernetes
    resources: _Resources = _Resources()


class _PodSpec(_Shape):
    containers: list[_Container] = []
    restartPolicy: Literal["Always", "OnFailure", "Never"] = "Always"  # noqa: N815 - the field's name in Kubernetes
    terminationGracePeriodSeconds: Count = 30  # noqa: N815 - the field's name in Kubernetes


class _Template(_Shape):
    metadata: _Meta = _Meta()
    spec: _PodSpec = _PodSpec()


class _Rolling(_Shape):
    maxSurge: Count | Percentage = 1  # noqa: N815 - the field's name in Kubernetes
    maxUnavailable: Count | Percentage = 1  # noqa: N815 - the field's name in Kubernetes


class _Strategy(_Shape):
    type: Literal["RollingUpdate", "Recreate"] = "RollingUpdate"
    rollingUpdate: _Rolling = _Rolling()  # noqa: N815 - the field's name in Kubernetes


class _WorkloadSpec(_Shape):
    replicas: int = 1
    paused: bool = False
    minReadySeconds: Count = 0  # noqa: N815 - the field's name in Kubernetes
    revisionHistoryLimit: Count = 10  # noqa: N815 - the field's name in Kubernetes
    progressDeadlineSeconds: Count = 600  # noqa: N815 - the field's name in Kubernetes
    selector: dict[str, Any] = {}
    template: _Template = _Template()
    strategy: _Strategy = _Strategy()


class _Workload(_Shape):
    metadata: _Meta
    spec: _WorkloadSpec = _WorkloadSpec()


class _Pod(_Shape):
    metadata: _Meta
    spec: _PodSpec = _PodSpec()


class _Other(_Shape):
    metadata: _Meta


_SHAPES: dict[str, type[_Shape]] = {DEPLOYMENTS.kind: _Workload, REPLICA_SETS.kind: _Workload, PODS.kind: _Pod}


def check_shape(resource: Resource, obj: JsonObject) -> None:
    """Raises ApiError (400) that names the first field of a wrong type."""
    try:
        _SHAPES.get(resource.kind, _Other).model_validate(obj)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
            f"{path}: {first['msg']}"
        ) from None
