"""HTTP in: Alertmanager's webhook, health, metrics. Nothing is answered with 200 before it is committed."""

import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.core.alert import Alert, AlertStatus, Delivery, Source, environment_of, parse_severity, service_of
from bot.core.digest import Digest
from bot.core.digest import Numbers as Shown
from bot.core.errors import PayloadError, StoreError, StoreUnavailableError
from bot.core.gauges import gauges
from bot.core.postmortem import IndexState
from bot.core.redaction import redact
from bot.core.senders import parse_payload
from bot.core.senders.bodies import parse_body
from bot.core.text import clean, clip, one_line
from bot.flows import Flows

log = logging.getLogger(__name__)

_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_MAX_BODY = 4 * 1024 * 1024
_KEPT_BODY = 256 * 1024


class _Payload(BaseModel):
    # Alertmanager adds fields from version to version; what we do not know is not an error.
    model_config = ConfigDict(extra="ignore", frozen=True)


class AlertmanagerAlert(_Payload):
    """One alert of a group."""

    status: AlertStatus
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = Field(default_factory=dict)
    startsAt: AwareDatetime  # noqa: N815 - Alertmanager's spelling
    endsAt: AwareDatetime = _NEVER  # noqa: N815
    generatorURL: str = ""  # noqa: N815
    fingerprint: str = ""


class AlertmanagerPayload(_Payload):
    """
    Webhook payload version 4.

    Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
    """

    version: Literal["4"]
    groupKey: str  # noqa: N815
    status: AlertStatus
    alerts: Annotated[list[object], Field(min_length=1)]
    receiver: str = ""
    externalURL: str = ""  # noqa: N815
    truncatedAlerts: Annotated[int, Field(ge=0)] = 0  # noqa: N815


class ParsedWebhook(BaseModel):
    """The delivery, and what is wrong with alerts that had to be left out."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    delivery: Delivery
    rejected: tuple[str, ...]


def _text(value: str, limit: int) -> str:
    # Clipped last: half a secret would not be known as one.
    return clip(redact(clean(value)), limit)


def _texts(values: Mapping[str, str], limit: int) -> dict[str, str]:
    return {clean(name): _text(value, limit) for name, value in values.items()}


def _fingerprint(labels: Mapping[str, str]) -> str:
    """Old senders leave it out; any stable function of the labels serves, as it only has to equal itself."""
    joined = "\x00".join(f"{name}={value}" for name, value in sorted(labels.items()))
    return hashlib.sha256(joined.encode()).hexdigest()[:16]


def _alert(raw: AlertmanagerAlert) -> Alert:
    labels = _texts(raw.labels, 1_000)
    annotations = _texts(raw.annotations, 4_000)
    summary = annotations.get("summary") or annotations.get("message") or annotations.get("description") or ""
    return Alert(
        fingerprint=clean(raw.fingerprint) or _fingerprint(raw.labels),
        starts_at=raw.startsAt.astimezone(UTC),
        name=labels.get("alertname", "unnamed alert"),
        status=raw.status,
        severity=parse_severity(labels.get("severity", "")),
        service=service_of(labels),
        environment=environment_of(labels),
        summary=one_line(summary),
        labels=labels,
        annotations=annotations,
        ends_at=raw.endsAt.astimezone(UTC) if raw.status is AlertStatus.RESOLVED and raw.endsAt > _NEVER else None,
        generator_url=clean(raw.generatorURL),
    )


def _reasons(error: ValidationError, prefix: str = "") -> str:
    return "; ".join(
        f"{prefix}{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg'].lower()}"
        for item in error.errors(include_url=False, include_input=False, include_context=False)
    )


def parse_alertmanager(body: bytes) -> ParsedWebhook:
    """Raises PayloadError with every reason when it is no payload, or when none of its alerts can be read."""
    try:
        payload = AlertmanagerPayload.model_validate_json(body)
    except ValidationError as error:
        raise PayloadError(f"not an Alertmanager webhook payload of version 4: {_reasons(error)}") from error
    alerts: list[Alert] = []
    rejected: list[str] = []
    for place, raw in enumerate(payload.alerts):
        try:
            alerts.append(_alert(AlertmanagerAlert.model_validate(raw)))
        except ValidationError as error:
            rejected.append(_reasons(error, f"alerts.{place}."))
    if not alerts:
        raise PayloadError(f"none of the {len(payload.alerts)} alerts can be read: {'; '.join(rejected)}")
    return ParsedWebhook(
        delivery=Delivery(
            source=Source.ALERTMANAGER,
            alerts=tuple(alerts),
            group_key=clean(payload.groupKey),
            receiver=clean(payload.receiver),
            truncated=payload.truncatedAlerts,
            external_url=clean(payload.externalURL),
        ),
        rejected=tuple(rejected),
    )


def parse_sender(body: bytes, *, now: datetime) -> ParsedWebhook:
    """
    A payload of any sender, by form and by the names of its keys; `now` for a beginning that it does not give.

    Raises PayloadError when it is neither JSON nor a form, or describes no alert.
    """
    alerts = parse_payload(parse_body(body), now)
    return ParsedWebhook(delivery=Delivery(source=Source.WEBHOOK, alerts=tuple(alerts)), rejected=())


Parse = Callable[[bytes], ParsedWebhook]


class Numbers(Collector):
    """The digest's numbers, as of when they were last shown; what is not known has no sample."""

    def __init__(self) -> None:
        self._digest: Digest | Shown | None = None

    def show(self, digest: Digest | Shown) -> None:
        """Replace what is shown."""
        self._digest = digest

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """For Prometheus' registry: no query is made for a scrape."""
        families: dict[str, GaugeMetricFamily] = {}
        for one in gauges(self._digest) if self._digest is not None else ():
            name = f"aiops_{one.name}"
            if name not in families:
                families[name] = GaugeMetricFamily(name, one.what, labels=list(one.labels))
            families[name].add_metric(list(one.labels.values()), one.value)
        return families.values()


class IndexNumbers(Collector):
    """How fresh the index of past incidents is."""

    def __init__(self, state: Callable[[], IndexState]) -> None:
        self._state = state

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """For Prometheus' registry."""
        state = self._state()
        yield GaugeMetricFamily("aiops_postmortem_files", "Postmortem files that were found.", value=state.files)
        yield GaugeMetricFamily(
            "aiops_postmortem_index_behind", "Files that the index does not show.", value=state.behind
        )
        at = state.current_at
        yield GaugeMetricFamily(
            "aiops_postmortem_index_current_timestamp_seconds",
            "When the index last held exactly what the files hold; 0: not since the start.",
            value=at.timestamp() if at is not None else 0,
        )


class Metrics:
    """What /metrics shows: of the doors, and how often the bot was right."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.deliveries = Counter(
            "aiops_deliveries_total", "Webhook deliveries by answer.", ["source", "code"], registry=self.registry
        )
        self.seconds = Histogram(
            "aiops_webhook_seconds", "Time from request to committed answer.", ["source"], registry=self.registry
        )
        self.anomalies = Counter(
            "aiops_anomalies_total",
            "What the anomaly sweep found, by what became of it.",
            ["result"],
            registry=self.registry,
        )
        self.audit_refused = Counter(
            "aiops_audit_refused_total",
            "Audit entries that Loki would not have; a note stands there.",
            registry=self.registry,
        )
        self.numbers = Numbers()
        self.registry.register(self.numbers)


async def _read(request: Request, token: str | None) -> bytes:
    if not _authorized(request, token):
        raise HTTPException(401, "a bearer token is required", {"WWW-Authenticate": "Bearer"})
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > _MAX_BODY:
        raise HTTPException(413, f"the body is larger than {_MAX_BODY} bytes")
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > _MAX_BODY:
                raise HTTPException(413, f"the body is larger than {_MAX_BODY} bytes")
            chunks.append(chunk)
    except ClientDisconnect as error:
        raise HTTPException(400, "the sender hung up") from error
    return b"".join(chunks)


def _authorized(request: Request, token: str | None) -> bool:
    if token is None:
        return True
    given = request.headers.get("authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


class Webhooks:
    """The endpoints."""

    def __init__(self, flows: Flows, *, token: str | None, metrics: Metrics) -> None:
        self._flows = flows
        self._token = token
        self._metrics = metrics

    async def alertmanager(self, request: Request) -> Response:
        """POST /webhooks/alertmanager."""
        return await self._measured(request, "alertmanager", parse_alertmanager)

    async def sender(self, request: Request) -> Response:
        """POST /webhooks/grafana, and any other sender under /webhooks/alerts."""
        source = request.url.path.rpartition("/")[2]
        return await self._measured(request, source, partial(parse_sender, now=datetime.now(UTC)))

    async def _measured(self, request: Request, source: str, parse: Parse) -> Response:
        with self._metrics.seconds.labels(source).time():
            response = await self._answer(request, source, parse)
        self._metrics.deliveries.labels(source, str(response.status_code)).inc()
        return response

    async def _answer(self, request: Request, source: str, parse: Parse) -> Response:
        try:
            body = await _read(request, self._token)
        except HTTPException as error:
            return JSONResponse({"error": error.detail}, error.status_code, error.headers)
        try:
            return await self._receive(body, source, parse)
        except PayloadError as error:
            return await self._refuse(body, source, str(error))
        except StoreUnavailableError as error:
            # Alertmanager retries a 5xx; it never retries a 4xx.
            return JSONResponse({"error": str(error)}, 503, {"Retry-After": "5"})
        except StoreError as error:
            log.exception("a delivery could not be stored")
            return JSONResponse({"error": str(error)}, 503)

    async def _receive(self, body: bytes, source: str, parse: Parse) -> Response:
        parsed = parse(body)
        incident_ids = await self._flows.receive(parsed.delivery)
        if parsed.rejected:
            await self._flows.quarantine(source, "; ".join(parsed.rejected), body[:_KEPT_BODY])
        return JSONResponse({"incidents": list(incident_ids), "rejected": list(parsed.rejected)})

    async def _refuse(self, body: bytes, source: str, reason: str) -> Response:
        try:
            await self._flows.quarantine(source, reason, body[:_KEPT_BODY])
        except StoreError:
            return JSONResponse({"error": "the payload is malformed and could not be kept; try again"}, 503)
        return JSONResponse({"error": reason}, 400)


def build(
    flows: Flows,
    *,
    token: str | None,
    metrics: Metrics,
    readiness: Callable[[], Awaitable[Mapping[str, str]]],
) -> Starlette:
    """The HTTP application. `readiness` gives what is wrong, by name; nothing wrong means ready."""
    webhooks = Webhooks(flows, token=token, metrics=metrics)
    metrics.registry.register(IndexNumbers(flows.index_state))

    async def healthz(request: Request) -> Response:
        del request
        return JSONResponse({"status": "alive"})

    async def readyz(request: Request) -> Response:
        del request
        wrong = dict(await readiness())
        return JSONResponse({"status": "not ready" if wrong else "ready", "wrong": wrong}, 503 if wrong else 200)

    async def show_metrics(request: Request) -> Response:
        del request
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/webhooks/alertmanager", webhooks.alertmanager, methods=["POST"]),
            Route("/webhooks/grafana", webhooks.sender, methods=["POST"]),
            Route("/webhooks/alerts", webhooks.sender, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", show_metrics),
        ]
    )
