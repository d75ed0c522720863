"""Which services there are: Backstage's catalog-info.yaml.

The form is Backstage's descriptor format: several YAML documents, of which Components and Resources are services here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from basecamp.errors import BadRequest, ConfigError, nearest
from basecamp.yamlfile import Document, KeyPath, load_documents

TIER_ANNOTATION = "aiops.dev/tier"
_KINDS = frozenset({"Component", "Resource"})
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntry:
    name: str
    owner: str | None
    tier: str | None
    depends_on: tuple[str, ...]


class Catalog:
    """Reads the file again when it has changed."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._stamp: tuple[int, int] | None = None
        self._entries: dict[str, CatalogEntry] = {}

    def entries(self) -> dict[str, CatalogEntry]:
        """Services by name, in the file's order. Raises ConfigError with file and line."""
        try:
            stat = self.file.stat()
        except OSError as error:
            raise ConfigError(f"{self.file}: cannot be read ({error.strerror}); check `catalog:`") from error
        stamp = (stat.st_mtime_ns, stat.st_size)
        if stamp != self._stamp:
            self._entries = load_catalog(self.file)
            self._stamp = stamp
        return self._entries


def check_service_name(service: str) -> str:
    """The name, when it is one a service can have; it becomes part of file names and queries. Raises BadRequest."""
    if not _NAME.fullmatch(service):
        raise BadRequest(f"service is {service!r}; a name has up to 63 letters, digits, dots, dashes and underscores")
    return service


def load_catalog(file: Path) -> dict[str, CatalogEntry]:
    """Read all services of a file. Raises ConfigError with file and line."""
    entries: dict[str, CatalogEntry] = {}
    for document in load_documents(file):
        if not isinstance(document.value, dict):
            raise ConfigError(f"{document.where()}: a catalogue document is a mapping with kind, metadata and spec")
        if _kind(document) not in _KINDS:
            continue
        entry = _entry(document)
        if entry.name in entries:
            raise ConfigError(f"{document.where(('metadata', 'name'))}: {entry.name!r} is described a second time")
        entries[entry.name] = entry
    return entries


def _kind(document: Document) -> str:
    kind = document.value.get("kind")
    if not isinstance(kind, str):
        raise ConfigError(f"{document.where(('kind',))}: kind is missing; write `kind: Component`")
    if kind not in _KINDS and kind.lower() in {each.lower() for each in _KINDS}:
        raise ConfigError(f"{document.where(('kind',))}: unknown kind {kind!r}; {nearest(kind, _KINDS)}")
    return kind


def _entry(document: Document) -> CatalogEntry:
    metadata = _mapping(document, document.value, ("metadata",))
    spec = _mapping(document, document.value, ("spec",))
    name = _text(document, metadata, ("metadata", "name"))
    if name is None or not _NAME.fullmatch(name):
        raise ConfigError(f"{document.where(('metadata', 'name'))}: metadata.name is missing or not a service name")
    annotations = _mapping(document, metadata, ("metadata", "annotations"))
    owner = _text(document, spec, ("spec", "owner"))
    tier = annotations.get(TIER_ANNOTATION)
    return CatalogEntry(
        name=name,
        owner=_entity_name(owner) if owner else None,
        tier=None if tier is None else str(tier),
        depends_on=tuple(_depends_on(document, spec)),
    )


def _depends_on(document: Document, spec: dict[str, Any]) -> list[str]:
    path: KeyPath = ("spec", "dependsOn")
    value: Any = spec.get("dependsOn") or []
    if not isinstance(value, list):
        raise ConfigError(f"{document.where(path)}: spec.dependsOn is a list such as [component:orders-db]")
    names: list[str] = []
    for index, reference in enumerate(cast("list[Any]", value)):
        if not isinstance(reference, str) or not _NAME.fullmatch(_entity_name(reference)):
            raise ConfigError(
                f"{document.where((*path, index))}: {reference!r} is not a reference such as component:name"
            )
        names.append(_entity_name(reference))
    return names


def _entity_name(reference: str) -> str:
    """`kind:namespace/name` to its name; Backstage allows the first two to be left out."""
    return reference.rpartition(":")[2].rpartition("/")[2]


def _mapping(document: Document, parent: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    value: Any = parent.get(str(path[-1]))
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{document.where(path)}: {'.'.join(map(str, path))} must be a mapping")
    return cast("dict[str, Any]", value)


def _text(document: Document, parent: dict[str, Any], path: KeyPath) -> str | None:
    value: Any = parent.get(str(path[-1]))
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{document.where(path)}: {'.'.join(map(str, path))} must be text; put it in quotes")
    return value
