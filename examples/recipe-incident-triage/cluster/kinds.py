"""The resources that this server has."""

from dataclasses import dataclass

READ = ("get", "list", "watch")
EVERYTHING = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One row of discovery. `subresources` name what stands below one object, with the kind that it speaks."""

    group: str
    version: str
    plural: str
    kind: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    verbs: tuple[str, ...] = EVERYTHING
    subresources: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """Name, kind and verbs."""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        return self.kind.lower()


_STATUS = ("get", "patch", "update")

PODS = Resource(
    group="",
    version="v1",
    plural="pods",
    kind="Pod",
    short=("po",),
    subresources=(("log", "Pod", ("get",)), ("status", "Pod", _STATUS), ("eviction", "Eviction", ("create",))),
)
EVENTS = Resource(group="", version="v1", plural="events", kind="Event", short=("ev",))
NODES = Resource(group="", version="v1", plural="nodes", kind="Node", short=("no",), namespaced=False, verbs=READ)
NAMESPACES = Resource(
    group="",
    version="v1",
    plural="namespaces",
    kind="Namespace",
    short=("ns",),
    namespaced=False,
    verbs=(*READ, "create"),
)
CONFIG_MAPS = Resource(group="", version="v1", plural="configmaps", kind="ConfigMap", short=("cm",))
SECRETS = Resource(group="", version="v1", plural="secrets", kind="Secret")
DEPLOYMENTS = Resource(
    group="apps",
    version="v1",
    plural="deployments",
    kind="Deployment",
    short=("deploy",),
    subresources=(("scale", "Scale", _STATUS), ("status", "Deployment", _STATUS)),
)
REPLICA_SETS = Resource(
    group="apps",
    version="v1",
    plural="replicasets",
    kind="ReplicaSet",
    short=("rs",),
    subresources=(("scale", "Scale", _STATUS), ("status", "ReplicaSet", _STATUS)),
)
RESOURCES = (PODS, EVENTS, NODES, NAMESPACES, CONFIG_MAPS, SECRETS, DEPLOYMENTS, REPLICA_SETS)
BY_KIND = {resource.kind: resource for resource in RESOURCES}


def find_resource(group: str, version: str, plural: str) -> Resource | None:
    """The resource of a path, if there is one."""
    wanted = (group, version, plural)
    return next((one for one in RESOURCES if (one.group, one.version, one.plural) == wanted), None)
