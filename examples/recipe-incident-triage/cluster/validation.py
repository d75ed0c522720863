"""Defaults and checks of the objects that people send, as far as this cluster understands them."""

import base64
import re
from typing import Any, cast

from . import errors
from .errors import JsonObject
from .kinds import DEPLOYMENTS, PODS, REPLICA_SETS, SECRETS, Resource
from .selectors import matches_selector
from .shapes import check_shape

# RFC 1123 subdomain, the rule for names of most objects.
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character"
)


def prepare(resource: Resource, obj: JsonObject) -> None:
    """Fill in defaults, then check. Raises ApiError (422)."""
    drop_nulls({key: value for key, value in obj.items() if key != "status"})
    check_shape(resource, obj)
    name = obj["metadata"].get("name", "")
    if not _NAME.fullmatch(name):
        raise errors.invalid(
            resource.kind, resource.group, name, "metadata.name", f'Invalid value: "{name}": {_NAME_RULE}'
        )
    obj["apiVersion"], obj["kind"] = resource.api_version, resource.kind
    if resource in (DEPLOYMENTS, REPLICA_SETS):
        _prepare_workload(resource, obj)
    elif resource is SECRETS:
        given = obj.pop("stringData", None) or {}
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in given.items()}
        obj["data"] = {**(obj.get("data") or {}), **encoded}
        obj.setdefault("type", "Opaque")
    elif resource is PODS:
        _prepare_pod_spec(resource, obj, obj.setdefault("spec", {}), "spec")
        obj.setdefault("status", {"phase": "Pending", "qosClass": quality(obj["spec"])})


def drop_nulls(value: Any) -> None:
    """Take away what was sent as null: typed clients send `creationTimestamp: null`, which means nothing was set."""
    if isinstance(value, dict):
        mapping = cast("JsonObject", value)
        for key in [key for key, held in mapping.items() if held is None]:
            del mapping[key]
        for held in mapping.values():
            drop_nulls(held)
    elif isinstance(value, list):
        for held in cast("list[Any]", value):
            drop_nulls(held)


def _prepare_workload(resource: Resource, obj: JsonObject) -> None:
    spec = obj.setdefault("spec", {})
    name = obj["metadata"]["name"]
    spec.setdefault("replicas", 1)
    if not isinstance(spec["replicas"], int) or spec["replicas"] < 0:
        why = f"Invalid value: {spec['replicas']}: must be greater than or equal to 0"
        raise errors.invalid(resource.kind, resource.group, name, "spec.replicas", why)
    template = spec.setdefault("template", {})
    labels = template.setdefault("metadata", {}).setdefault("labels", {})
    if not matches_selector(spec.get("selector"), labels) or not spec["selector"]:
        why = f"Invalid value: {labels}: `selector` does not match template `labels`"
        raise errors.invalid(resource.kind, resource.group, name, "spec.template.metadata.labels", why)
    _prepare_pod_spec(resource, obj, template.setdefault("spec", {}), "spec.template.spec")
    if resource is DEPLOYMENTS:
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("progressDeadlineSeconds", 600)
        strategy = spec.setdefault("strategy", {})
        strategy.setdefault("type", "RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            rolling.setdefault("maxSurge", "25%")
            rolling.setdefault("maxUnavailable", "25%")


def _prepare_pod_spec(resource: Resource, obj: JsonObject, spec: JsonObject, path: str) -> None:
    containers: list[JsonObject] = spec.get("containers") or []
    name = obj["metadata"]["name"]
    if not containers:
        raise errors.invalid(resource.kind, resource.group, name, f"{path}.containers", "Required value")
    seen: set[str] = set()
    for index, container in enumerate(containers):
        where = f"{path}.containers[{index}]"
        for field in ("name", "image"):
            if not container.get(field):
                raise errors.invalid(resource.kind, resource.group, name, f"{where}.{field}", "Required value")
        if container["name"] in seen:
            why = f'Duplicate value: "{container["name"]}"'
            raise errors.invalid(resource.kind, resource.group, name, f"{where}.name", why)
        seen.add(container["name"])
        container.setdefault("resources", {})
        latest = ":" not in container["image"].rpartition("/")[2] or container["image"].endswith(":latest")
        container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("securityContext", {})


def quality(spec: JsonObject) -> str:
    """The quality-of-service class: Guaranteed, Burstable or BestEffort."""
    resources: list[Any] = [container.get("resources") or {} for container in spec["containers"]]
    if not any(one.get("limits") or one.get("requests") for one in resources):
        return "BestEffort"
    guaranteed = all(
        {"cpu", "memory"} <= set(one.get("limits") or {}) and one.get("requests", one["limits"]) == one["limits"]
        for one in resources
    )
    return "Guaranteed" if guaranteed else "Burstable"
