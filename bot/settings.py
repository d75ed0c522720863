"""The only reader of the environment and of aiops.yaml."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.adapters.files import parse_yaml, read_text
from bot.adapters.runbook_format import Duration
from bot.core.approval import sha256_of
from bot.core.errors import ConfigError
from bot.core.matching import SERVICE_KEYS
from bot.core.policy import Effect, Level
from bot.core.redaction import redact_all
from bot.core.schedule import parse_weekly
from bot.core.sweep import Watched

# The repository's own folders, used when the configured relative path is not found beside the configuration.
_HOME = Path(__file__).parent.parent


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Channels(_Strict):
    """Channel ids or #names."""

    watch: tuple[str, ...] = ()
    post: str = "#incidents"
    digest: str = ""
    """Empty: where incidents are posted."""

    @property
    def for_digest(self) -> str:
        """Where the weekly digest goes."""
        return self.digest or self.post


class McpServer(_Strict):
    """One entry of mcpServers: url and headers, or command, args and env."""

    url: str | None = None
    headers: Mapping[str, str] = Field(default_factory=dict)
    command: str | None = None
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = Field(default_factory=dict)
    tools: tuple[str, ...] | None = None
    """Only these tools are taken from it; unset: all."""
    environment: str = ""
    """To which environment what it changes belongs; empty: not said."""

    @field_validator("command")
    @classmethod
    def _one_way(cls, value: str | None) -> str | None:
        return value or None


class Budgets(_Strict):
    """What the agent may spend."""

    tokens_per_incident: Annotated[int, Field(gt=0)] = 60_000
    steps_per_incident: Annotated[int, Field(gt=0, le=50)] = 12
    cost_usd_per_incident: Annotated[float, Field(gt=0)] = 1.0
    tokens_per_agent_per_day: Annotated[int, Field(gt=0)] = 2_000_000
    runs_per_hour: Annotated[int, Field(gt=0)] = 20


class Autonomy(_Strict):
    """How far the bot may go, by alert name; `autonomous` counts only for a class that has earned it."""

    default: Level = Level.ADVISORY
    classes: Mapping[str, Level] = Field(default_factory=dict)
    threshold: Annotated[float, Field(ge=0.5, le=1)] = 0.8


class Approvals(_Strict):
    """How people are asked."""

    expires_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 30
    two_person: tuple[str, ...] = ()
    """Environments in which a destructive step needs two different people."""


class Schedule(_Strict):
    """When recurring things happen."""

    digest: str = "mon 09:00 UTC"

    @field_validator("digest")
    @classmethod
    def _weekly(cls, value: str) -> str:
        parse_weekly(value)
        return value


class Signal(_Strict):
    """One golden signal that the anomaly sweep asks about."""

    service: Annotated[str, Field(min_length=1, max_length=200)]
    query: Annotated[str, Field(min_length=1, max_length=2_000)]
    """PromQL that gives one series."""
    direction: Watched = Watched.BOTH
    kind: Literal["latency", "traffic", "errors", "saturation"]
    severity: Literal["critical", "error", "warning", "info"] = "warning"


class Anomaly(_Strict):
    """The anomaly sweep: incidents from what moved without an alert rule."""

    enabled: bool = False
    every: Annotated[Duration, Field(ge=60, le=3600)] = 300.0
    """Seconds, or written as 90s, 5m or 1h."""
    per_hour: Annotated[int, Field(ge=1, le=100)] = 5
    """Incidents that it may open within an hour."""
    signals: Mapping[Annotated[str, Field(min_length=1, max_length=100)], Signal] = Field(default_factory=dict)
    """By the name that its alerts get."""

    @model_validator(mode="after")
    def _something_to_ask(self) -> "Anomaly":
        if self.enabled and not self.signals:
            raise ValueError("is enabled, but no signal is named under anomaly.signals")
        return self


class Config(_Strict):
    """aiops.yaml; a missing file means these defaults."""

    channels: Channels = Channels()
    mcpServers: Mapping[str, McpServer] = Field(default_factory=dict)  # noqa: N815 - the ecosystem's spelling
    tools: Mapping[str, Effect] = Field(default_factory=dict)
    approvers: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    approvals: Approvals = Approvals()
    autonomy: Autonomy = Autonomy()
    settle_seconds: Annotated[float, Field(ge=0, le=300)] = 5.0
    gather_seconds: Annotated[float, Field(ge=2, le=120)] = 8.0
    """For all evidence of one investigation; each part of it has half of that."""
    concurrent_investigations: Annotated[int, Field(ge=1, le=50)] = 3
    budgets: Budgets = Budgets()
    runbooks: tuple[str, ...] = ("runbooks",)
    runbook_service_labels: tuple[str, ...] = SERVICE_KEYS
    """Labels whose value may be the folder of an alert's runbook."""
    postmortems: tuple[str, ...] = ("postmortems",)
    git_fetch_seconds: Annotated[float, Field(ge=5, le=86_400)] = 60.0
    """How often Git sources of postmortems are fetched."""
    schedule: Schedule = Schedule()
    anomaly: Anomaly = Anomaly()

    @property
    def sha256(self) -> str:
        """Of all that is in force, defaults too. Secrets are left out: a new token is no new configuration."""
        told = self.model_dump(mode="json")
        for server in told["mcpServers"].values():
            for secret in ("headers", "env"):
                server[secret] = sorted(server[secret])
        return sha256_of(redact_all(told))

    @field_validator("mcpServers")
    @classmethod
    def _url_or_command(cls, servers: Mapping[str, McpServer]) -> Mapping[str, McpServer]:
        for name, server in servers.items():
            if (server.url is None) == (server.command is None):
                raise ValueError(f"server {name!r} needs either url or command")
        return servers


class Environment(BaseSettings):
    """Environment variables, by the names other programs rely on."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    slack_bot_token: str | None = None
    slack_app_token: str | None = None
    slack_api_url: str = "https://slack.com/api/"
    database_url: str | None = None
    llm_model: str | None = None
    llm_base_url: str | None = None
    llm_api_key: str | None = None
    llm_timeout_seconds: Annotated[float, Field(gt=0)] = 45.0
    aiops_config: Path = Path("aiops.yaml")
    aiops_http_host: str = "127.0.0.1"
    aiops_http_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    aiops_webhook_token: str | None = None
    aiops_approval_key: str | None = None
    aiops_home: Path = Path(".aiops")
    aiops_fail_point: str | None = None
    """For crash tests: the process kills itself when it reaches the named point."""
    aiops_lease_seconds: Annotated[float, Field(ge=1)] = 15.0
    loki_url: str | None = None
    embedding_model: str | None = None
    otel_exporter_otlp_endpoint: str | None = None


class Settings(_Strict):
    """Everything that is set."""

    environment: Environment
    config: Config
    config_path: Path

    @property
    def lease(self) -> timedelta:
        """How long an investigation stays with a worker that gives no sign of life."""
        return timedelta(seconds=self.environment.aiops_lease_seconds)

    def content_folder(self, name: str) -> Path:
        """A content folder: beside aiops.yaml, else as given, else the repository's own."""
        candidates = [self.config_path.parent / name, Path(name), _HOME / name]
        return next((path for path in candidates if path.is_dir()), candidates[0])


def load_config(path: Path) -> Config:
    """aiops.yaml, with ${NAME} filled in from the environment. A missing file means the defaults. Raises ConfigError with file, line and the nearest key."""
    return parse_yaml(read_text(path), Config, path, variables=os.environ) if path.exists() else Config()


def load_settings() -> Settings:
    """Read the environment, .env and aiops.yaml. Raises ConfigError naming the variable or the line."""
    try:
        environment = Environment()
    except ValidationError as error:
        problems = "; ".join(f"{'_'.join(map(str, e['loc'])).upper()}: {e['msg'].lower()}" for e in error.errors())
        raise ConfigError(f"The environment is not usable: {problems}") from error
    return Settings(
        environment=environment, config=load_config(environment.aiops_config), config_path=environment.aiops_config
    )


_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def check_http(environment: Environment) -> None:
    """Raises ConfigError when the webhook would be open to others without a token."""
    if environment.aiops_http_host not in _LOOPBACK and not environment.aiops_webhook_token:
        raise ConfigError(
            f"AIOPS_HTTP_HOST={environment.aiops_http_host} is reachable from other machines: set AIOPS_WEBHOOK_TOKEN "
            "(the bearer token that Alertmanager sends), or bind to 127.0.0.1"
        )


def slack_tokens(environment: Environment) -> tuple[str, str]:
    """Bot and app token. Raises ConfigError that says which is missing, where to get it, and what to use instead."""
    bot_token, app_token = environment.slack_bot_token, environment.slack_app_token
    if bot_token and app_token:
        return bot_token, app_token
    missing: list[str] = []
    if not bot_token:
        missing.append(
            "SLACK_BOT_TOKEN (xoxb-…): api.slack.com/apps → your app → OAuth & Permissions → Bot User OAuth Token"
        )
    if not app_token:
        missing.append(
            "SLACK_APP_TOKEN (xapp-…): api.slack.com/apps → your app → Basic Information → App-Level Tokens, "
            "with the scope connections:write"
        )
    raise ConfigError(
        "Slack is not connected. Missing:\n  "
        + "\n  ".join(missing)
        + "\nCreate the app from manifest.json. Without a Slack account: `slackbox serve` starts a local workspace and "
        "prints SLACK_API_URL and both tokens; `make demo` does all of it."
    )
