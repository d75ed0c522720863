"""The configuration file, and the only place that reads the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from basecamp.errors import ConfigError, nearest
from basecamp.redaction import dsn_password
from basecamp.yamlfile import Document, KeyPath, load_documents

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _check_dsn(value: SecretStr) -> SecretStr:
    dsn_password(value.get_secret_value())
    return value


def _check_url(value: str) -> str:
    if not re.match(r"https?://[^/\s]+", value):
        raise ValueError("is not an http:// or https:// address")
    return value.rstrip("/")


Dsn = Annotated[SecretStr, AfterValidator(_check_dsn)]
Url = Annotated[str, AfterValidator(_check_url)]
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
    postmortems: list[Path] = Field(default_factory=list)
    auth: AuthSettings = AuthSettings()

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
                "postmortems": [folder / each for each in self.postmortems],
            }
        )


_SECTIONS: dict[str, type[BaseModel]] = {
    "prometheus": PrometheusSettings,
    "loki": LokiSettings,
    "logs": LogsSettings,
    "trino": TrinoSettings,
    "auth": AuthSettings,
}


def load_settings(file: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read basecamp.yaml. Raises ConfigError that names file, line and the mend."""
    documents = load_documents(file)
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        raise ConfigError(f"{file}: must hold exactly one YAML mapping, such as `catalog: catalog-info.yaml`")
    document = documents[0]
    value = _expand(document, document.value, (), os.environ if environ is None else environ)
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
