"""The configuration file, and the only place that reads the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from basecamp.errors import ConfigError, nearest
from basecamp.grants import MIN_KEY_BYTES
from basecamp.redaction import dsn_password
from basecamp.sizes import parse_memory
from basecamp.yamlfile import Document, KeyPath, load_documents

# RFC 1123, as Kubernetes asks of names; they become parts of paths.
_KUBERNETES_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _check_dsn(value: SecretStr) -> SecretStr:
    dsn_password(value.get_secret_value())
    return value


def _check_url(value: str) -> str:
    if not re.match(r"https?://[^/\s]+", value):
        raise ValueError("is not an http:// or https:// address")
    return value.rstrip("/")


def _check_secret_url(value: SecretStr) -> SecretStr:
    return SecretStr(_check_url(value.get_secret_value()))


def _memory(value: object) -> object:
    return parse_memory(value) if isinstance(value, str) else value


def _check_redis_url(value: SecretStr) -> SecretStr:
    wrong = ValueError(
        "is not a redis://, rediss:// or unix:// address; special characters of a password are %-escaped"
    )
    try:
        parts = urlsplit(value.get_secret_value())
        # Reading the port is what checks it; Python's own message would quote it, and it may be half a password.
        place = parts.path if parts.scheme == "unix" else parts.hostname and (parts.port or 6379)
    except ValueError:
        raise wrong from None
    if parts.scheme not in {"redis", "rediss", "unix"} or not place:
        raise wrong
    return value


def _check_key(value: SecretStr) -> SecretStr:
    size = len(value.get_secret_value().encode())
    if size < MIN_KEY_BYTES:
        raise ValueError(
            f"(AIOPS_APPROVAL_KEY) has {size} bytes; it needs {MIN_KEY_BYTES} or more, such as `openssl rand -hex 32` gives"
        )
    return value


Dsn = Annotated[SecretStr, AfterValidator(_check_dsn)]
Url = Annotated[str, AfterValidator(_check_url)]
SecretUrl = Annotated[SecretStr, AfterValidator(_check_secret_url)]
Seconds = Annotated[float, Field(gt=0, le=300)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PrometheusSettings(_Section):
    url: Url
    service_label: str = Field(default="service", pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")
    scrape_interval_seconds: Seconds = 15.0
    timeout_seconds: Seconds = 10.0
    bearer_token: SecretStr | None = None


class LokiSettings(_Section):
    url: Url
    service_label: str = Field(default="service", pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")
    timeout_seconds: Seconds = 10.0
    tenant: str | None = None
    bearer_token: SecretStr | None = None


class LogsSettings(_Section):
    folder: Path


class TrinoSettings(_Section):
    host: str = Field(min_length=1)
    port: int = Field(default=8080, ge=1, le=65535)
    user: str = Field(min_length=1)
    catalog: str | None = None
    schema_name: str | None = Field(default=None, alias="schema")
    password: SecretStr | None = None
    http_scheme: str = Field(default="http", pattern=r"^https?$")
    timeout_seconds: Seconds = 30.0

    @model_validator(mode="after")
    def _password_needs_https(self) -> TrinoSettings:
        if self.password is not None and self.http_scheme != "https":
            raise ValueError("has a password but http_scheme is not https; Trino's client refuses that")
        return self


class KubernetesSettings(_Section):
    """Where one service runs: a deployment (by default named like the service), or pods by their labels."""

    namespace: str = Field(pattern=_KUBERNETES_NAME)
    deployment: str | None = Field(default=None, pattern=_KUBERNETES_NAME)
    selector: str | None = Field(default=None, min_length=1)
    kubeconfig: Path | None = None
    context: str | None = None
    min_replicas: int = Field(default=1, ge=0)
    max_replicas: int = Field(default=10, ge=1)
    max_targets: int = Field(default=50, ge=1, le=1000)
    timeout_seconds: Seconds = 10.0

    @model_validator(mode="after")
    def _consistent(self) -> KubernetesSettings:
        if self.deployment is not None and self.selector is not None:
            raise ValueError("has both deployment and selector; keep the one that says which pods are the service's")
        if self.context is not None and self.kubeconfig is None:
            raise ValueError("has a context but no kubeconfig; a pod's own service account has no contexts")
        if self.min_replicas > self.max_replicas:
            raise ValueError(f"has min_replicas {self.min_replicas} above max_replicas {self.max_replicas}")
        return self


class RedisSettings(_Section):
    """One Redis server: where it is, how long a look may take, and how far its memory limit may be raised."""

    url: Annotated[SecretStr, AfterValidator(_check_redis_url)]
    ca_file: Path | None = None
    timeout_seconds: Seconds = 5.0
    max_scanned_keys: int = Field(default=20_000, ge=100, le=1_000_000)
    max_scan_seconds: float = Field(default=5.0, gt=0, le=60)
    max_memory: Annotated[int, BeforeValidator(_memory), Field(gt=0)] | None = None


class SlackSettings(_Section):
    """Where notify_slack posts: with a bot token, or through one incoming webhook for each channel."""

    token: SecretStr | None = None
    api_url: Url = "https://slack.com/api"
    channels: list[str] = Field(default_factory=list)
    webhooks: dict[str, SecretUrl] = Field(default_factory=dict)
    timeout_seconds: Seconds = 10.0

    @model_validator(mode="after")
    def _one_way(self) -> SlackSettings:
        if (self.token is None) == (not self.webhooks):
            raise ValueError("needs either a token or webhooks")
        if self.webhooks and self.channels:
            raise ValueError("has webhooks and channels; each webhook is its channel already, so leave channels out")
        return self


class AuditSettings(_Section):
    """Where calls of tools that change something are written down; relative to the configuration file."""

    file: Path = Path("basecamp-audit.jsonl")


class WriteSettings(_Section):
    """Bounds for every tool that changes something."""

    max_targets: int = Field(default=50, ge=1, le=500)


class AuthSettings(_Section):
    """Bearer tokens; absent means open, which is allowed on the loopback interface only."""

    mcp_token: SecretStr | None = None
    changes_token: SecretStr | None = None


class Settings(_Section):
    """All of basecamp.yaml; a section that is absent leaves its tools out."""

    catalog: Path | None = None
    database_url: Dsn | None = None
    prometheus: PrometheusSettings | None = None
    loki: LokiSettings | None = None
    logs: LogsSettings | None = None
    trino: TrinoSettings | None = None
    postgres: dict[str, Dsn] = Field(default_factory=dict)
    redis: dict[str, RedisSettings] = Field(default_factory=dict)
    kubernetes: dict[str, KubernetesSettings] = Field(default_factory=dict)
    slack: SlackSettings | None = None
    postmortems: list[Path] = Field(default_factory=list)
    auth: AuthSettings = AuthSettings()
    approval_key: Annotated[SecretStr, AfterValidator(_check_key)] | None = None
    server_name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """This server's name under `mcpServers` in aiops.yaml; set, it refuses grants that name another or none."""
    audit: AuditSettings = AuditSettings()
    writes: WriteSettings = WriteSettings()

    @model_validator(mode="after")
    def _one_source_of_logs(self) -> Settings:
        if self.loki is not None and self.logs is not None:
            raise ValueError("has both loki and logs; read_logs has one source, so keep one of them")
        return self

    def beside(self, folder: Path) -> Settings:
        """The same settings with relative paths taken from a folder, the one of the configuration file."""
        logs = self.logs.model_copy(update={"folder": folder / self.logs.folder}) if self.logs else None
        return self.model_copy(
            update={
                "catalog": folder / self.catalog if self.catalog else None,
                "logs": logs,
                "audit": AuditSettings(file=folder / self.audit.file),
                "redis": {
                    name: one.model_copy(update={"ca_file": folder / one.ca_file}) if one.ca_file else one
                    for name, one in self.redis.items()
                },
                "kubernetes": {
                    name: one.model_copy(update={"kubeconfig": folder / one.kubeconfig}) if one.kubeconfig else one
                    for name, one in self.kubernetes.items()
                },
                "postmortems": [folder / each for each in self.postmortems],
            }
        )


_SECTIONS: dict[str, type[BaseModel]] = {
    "prometheus": PrometheusSettings,
    "loki": LokiSettings,
    "logs": LogsSettings,
    "trino": TrinoSettings,
    "auth": AuthSettings,
    "redis": RedisSettings,
    "kubernetes": KubernetesSettings,
    "slack": SlackSettings,
    "audit": AuditSettings,
    "writes": WriteSettings,
}


def load_settings(file: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read basecamp.yaml. Raises ConfigError that names file, line and the mend."""
    documents = load_documents(file)
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        raise ConfigError(f"{file}: must hold exactly one YAML mapping, such as `catalog: catalog-info.yaml`")
    document = documents[0]
    environ = os.environ if environ is None else environ
    value = _expand(document, document.value, (), environ)
    if environ.get("AIOPS_APPROVAL_KEY"):
        value.setdefault("approval_key", environ["AIOPS_APPROVAL_KEY"])
    try:
        return Settings.model_validate(value).beside(file.resolve().parent)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(document, each) for each in error.errors())) from None


def _expand(document: Document, value: Any, path: KeyPath, environ: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()
        return {key: _expand(document, each, (*path, str(key)), environ) for key, each in items}
    if isinstance(value, list):
        entries = enumerate(cast("list[Any]", value))
        return [_expand(document, each, (*path, index), environ) for index, each in entries]
    if not isinstance(value, str):
        return value

    def lookup(match: re.Match[str]) -> str:
        if match[1] not in environ:
            raise ConfigError(f"{document.where(path)}: the environment variable {match[1]} is not set; set it first")
        return environ[match[1]]

    return _VARIABLE.sub(lookup, value)


def _explain(document: Document, error: Any) -> str:
    path: KeyPath = tuple(error["loc"])
    where, name = document.where(path), ".".join(str(each) for each in path)
    if error["type"] == "extra_forbidden":
        section = _SECTIONS.get(str(path[0])) if len(path) > 1 else Settings
        known = [field.alias or key for key, field in (section or Settings).model_fields.items()]
        return f"{where}: unknown key {name!r}; {nearest(str(error['loc'][-1]), known)}"
    if error["type"] == "missing":
        return f"{where}: {name!r} is missing; add it"
    reason = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {name or 'the file'} {reason[0].lower()}{reason[1:]}"
