"""Scrapes `/metrics` pages into the sample store, as Prometheus does."""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from .samples import NAME, Labels, MetricInfo, SampleStore

_log = logging.getLogger(__name__)


class TargetsError(Exception):
    """The targets file cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One host:port to scrape; its labels go onto every series that does not bring the label itself."""

    address: str
    labels: Mapping[str, str]


def load_targets(path: Path) -> list[Target]:
    """Read Prometheus' file_sd form: `[{"targets": ["host:port"], "labels": {"job": "checkout"}}]`.

    Raises `TargetsError` that names the file and the entry.
    """
    try:
        groups: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TargetsError(f"cannot read targets from {path}: {error}") from error
    targets: list[Target] = []
    for number, group in enumerate(_list(groups, f"{path}: the whole file"), start=1):
        where = f"{path}: entry {number}"
        if not isinstance(group, dict):
            raise TargetsError(f"{where} must be an object with `targets`")
        entry = cast("dict[str, Any]", group)
        labels = cast("dict[str, Any]", entry.get("labels", {}))
        for address in _list(entry.get("targets"), f"{where}, `targets`"):
            held = {"instance": str(address), **{name: str(value) for name, value in labels.items()}}
            targets.append(Target(address=str(address), labels=held))
    return targets


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise TargetsError(f"{where} must be a list")
    return cast("list[object]", value)


class Scraper:
    """Scrapes every target once per `scrape`; a target that does not answer has `up` 0 and no other series."""

    def __init__(self, store: SampleStore, client: httpx.AsyncClient) -> None:
        self._store = store
        self._client = client
        self._known: set[str] = set()

    async def scrape(self, targets: Sequence[Target], at: float) -> None:
        """Scrape all targets at once; a target that left the file has its series marked as gone."""
        pages = await asyncio.gather(*(self._page(target) for target in targets))
        for target, page in zip(targets, pages, strict=True):
            samples = {} if page is None else self._samples(target, page)
            samples[_labels("up", target.labels)] = float(page is not None)
            self._store.append(target.address, at, samples)
        current = {target.address for target in targets}
        for address in self._known - current:
            self._store.append(address, at, {})
        self._known = current

    async def _page(self, target: Target) -> str | None:
        try:
            answer = await self._client.get(f"http://{target.address}/metrics")
            answer.raise_for_status()
        except httpx.HTTPError as error:
            _log.info("target %s did not answer: %r", target.address, error)
            return None
        return answer.text

    def _samples(self, target: Target, page: str) -> dict[Labels, float]:
        samples: dict[Labels, float] = {}
        for family in text_string_to_metric_families(page):
            self._describe(family)
            for sample in family.samples:
                samples[_labels(sample.name, {**target.labels, **sample.labels})] = float(sample.value)
        return samples

    def _describe(self, family: Metric) -> None:
        # The parser takes `_total` off a counter's name; Prometheus keeps the name that stands in the page.
        name = f"{family.name}_total" if family.type == "counter" else family.name
        self._store.metadata[name] = MetricInfo(type=family.type, help=family.documentation, unit=family.unit)


def _labels(name: str, labels: Mapping[str, str]) -> Labels:
    return tuple(sorted({**labels, NAME: name}.items()))
