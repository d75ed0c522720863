"""
Evidence is gathered by code, in parallel, before any model is asked.

What is looked at hangs on the alert and the service catalogue alone. Each part has its own time limit; what fails or
is not there becomes a gap with the server's words, never a crash and never a silence.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.agent import findings, healed, releases, roots, shapes
from bot.agent.diagnostics import from_diagnostic, from_signature
from bot.agent.progress import Emit, Progress
from bot.agent.runbooks import diagnostic_steps, match_runbook, scope_for
from bot.agent.subject import Relation, Subject, named_service, nearness, neighbours, relations, subject_of
from bot.core.errors import AiopsError, ConfigError, ToolError
from bot.core.evidence import Evidence, EvidencePack, Gap, Window
from bot.core.hypothesis import SimilarFound
from bot.core.loglines import LogRecord
from bot.core.logs import rank_templates, split_of
from bot.core.metrics import Series, rank_changes
from bot.core.postmortem import others
from bot.core.redaction import redact
from bot.core.runbook import Runbook, Step
from bot.core.service import Service
from bot.core.text import clean, clip, one_line, plural
from bot.ports import (
    Brief,
    Clock,
    Journal,
    LikelyRunbooks,
    Runbooks,
    SimilarSearch,
    Templates,
    ToolCallEntry,
    ToolResult,
    Tools,
)

# How far before the alert log lines count as "after": alerts lag the trouble that they tell of.
LOG_LEAD = timedelta(seconds=60)
CHANGES_BEFORE = timedelta(hours=24)
METRIC_STEP = "5s"
LOG_LIMIT = 500
# Of these metrics are read: the root is found by a walk, which sees no further than they reach.
_MOST_DEPENDENCIES = 12
# A call ends before its part does, so that one slow answer does not cost the part's other answers.
_CALL_SHARE = 0.85
_SIMILAR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherLimits:
    """Seconds."""

    part_s: float = 4.0
    whole_s: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherResult:
    """The pack and what the later stages need to judge answers."""

    pack: EvidencePack
    similar: SimilarFound
    runbook: Runbook | None
    services: tuple[str, ...]
    """Names that the catalogue knows, plus the alerting one."""
    dependencies: tuple[str, ...]
    subject: Subject
    took_ms: int
    outside: tuple[str, ...] = ()
    """Those of the services that somebody else runs."""


@dataclass(slots=True)
class _Run:
    """One gathering as it goes."""

    brief: Brief
    subject: Subject
    progress: Progress
    offered: frozenset[str] = frozenset()
    services: list[Service] = field(default_factory=list[Service])
    known: dict[str, Relation] = field(default_factory=dict[str, Relation])
    found: list[Evidence] = field(default_factory=list[Evidence])
    gaps: list[Gap] = field(default_factory=list[Gap])
    metrics: roots.Metrics | None = None
    edges: tuple[shapes.Edge, ...] = ()
    similar: SimilarFound = field(default_factory=lambda: SimilarFound(incidents=(), searched=0))

    def gap(self, what: str, why: str) -> None:
        entry = Gap(what=clip(redact(one_line(clean(what))), 200), why=clip(redact(one_line(clean(why))), 300))
        if entry not in self.gaps:
            self.gaps.append(entry)


class Gatherer:
    """Looks at everything that the alert and the catalogue point to."""

    def __init__(
        self,
        *,
        tools: Tools,
        similar: SimilarSearch,
        runbooks: Runbooks,
        templates: Templates,
        journal: Journal,
        clock: Clock,
        limits: GatherLimits | None = None,
        likely: LikelyRunbooks | None = None,
    ) -> None:
        self._tools = tools
        self._similar = similar
        self._runbooks = runbooks
        self._templates = templates
        self._journal = journal
        self._clock = clock
        self._limits = limits or GatherLimits()
        self._likely = likely

    async def gather(self, brief: Brief, emit: Emit) -> GatherResult:
        """Gather within the limits. Only the journal's errors come out; everything else that fails becomes a gap."""
        started = time.monotonic()
        subject = subject_of(brief, self._clock.now())
        run = _Run(brief=brief, subject=subject, progress=Progress("Gathering evidence", emit))
        runbook = match_runbook(self._runbooks.all(), subject.alert_names)
        try:
            async with asyncio.timeout(self._limits.whole_s):
                await self._all(run, runbook)
                if runbook is None:
                    await self._suggest(run)
        except TimeoutError:
            for name in run.progress.unfinished():
                self._out_of_time(run, name)
        # Only now is it known who calls whom: the catalogue says, and traces have seen.
        calls = roots.calls_of(run.services, run.edges)
        if run.metrics is not None:
            run.found.extend(roots.from_components(run.metrics, calls, run.subject))
        if runbook is not None:
            run.found.append(findings.from_runbook(runbook, run.subject))
        run.found.extend(findings.from_alerts(brief.related, run.subject))
        pack = EvidencePack(evidence=findings.numbered(run.found), gaps=tuple(run.gaps), window=run.subject.window)
        names = dict.fromkeys([run.subject.service, *(one.name for one in run.services)])
        return GatherResult(
            pack=pack,
            similar=run.similar,
            runbook=runbook,
            services=tuple(name for name in names if name),
            dependencies=tuple(sorted(roots.below(run.subject.service, calls))),
            subject=run.subject,
            outside=tuple(one.name for one in run.services if one.outside),
            took_ms=round((time.monotonic() - started) * 1000),
        )

    def _out_of_time(self, run: _Run, name: str) -> None:
        why = f"not finished within {self._limits.whole_s:g} s"
        run.gap(name, why)
        run.progress.failed(name, why)

    async def _all(self, run: _Run, runbook: Runbook | None) -> None:
        run.progress.start("changes", "similar")
        similar = asyncio.create_task(self._part(run, "similar", lambda: self._search(run), (AiopsError,)))
        try:
            run.offered = await self._offered(run)
            await self._part(run, "changes", lambda: self._changes(run))
            names = [name for name, wanted in self._later(run, runbook).items() if wanted]
            run.progress.start(*names)
            parts: dict[str, Callable[[], Awaitable[str]]] = {
                "metrics": lambda: self._metrics(run),
                "logs": lambda: self._logs(run),
                "traces": lambda: self._traces(run),
                "diagnostics": lambda: self._diagnostics(run, runbook),
            }
            await asyncio.gather(similar, *(self._part(run, name, parts[name]) for name in names))
        finally:
            similar.cancel()

    def _later(self, run: _Run, runbook: Runbook | None) -> dict[str, bool]:
        """What can be looked at once the services are known; what cannot is a gap."""
        if not run.subject.service:
            run.gap("metrics and logs", "the alert names no service, and neither does its text")
        known = bool(run.subject.service)
        for what, tool in (("metrics", "read_metrics"), ("logs", "read_logs")):
            if tool not in run.offered:
                run.gap(what, f"no MCP server that answers offers {tool}")
        return {
            "metrics": known and "read_metrics" in run.offered,
            "logs": known and "read_logs" in run.offered,
            "traces": known and "read_traces" in run.offered,
            "diagnostics": runbook is not None and bool(diagnostic_steps(runbook)),
        }

    async def _offered(self, run: _Run) -> frozenset[str]:
        try:
            async with asyncio.timeout(self._limits.part_s):
                offered = frozenset(tool.name for tool in await self._tools.available())
        except TimeoutError:
            offered = frozenset[str]()
        for server, why in (await self._tools.health()).items() if not offered else ():
            run.gap(f"MCP server {server}", why or "it offers no read tool that is listed")
        return offered

    async def _part(
        self,
        run: _Run,
        name: str,
        work: Callable[[], Awaitable[str]],
        failures: tuple[type[Exception], ...] = (ToolError, ConfigError),
    ) -> None:
        """Run one part within its time; `work` returns its one-line output."""
        try:
            async with asyncio.timeout(self._limits.part_s):
                run.progress.done(name, await work())
        except TimeoutError:
            why = f"no answer within {self._limits.part_s:g} s"
            run.gap(name, why)
            run.progress.failed(name, why)
        except failures as error:
            run.gap(name, str(error))
            run.progress.failed(name, str(error))

    async def _call(self, run: _Run, name: str, args: Mapping[str, object]) -> ToolResult:
        started = time.monotonic()
        investigation = run.brief.investigation.id
        try:
            result = await self._tools.call(name, args, timeout_s=_CALL_SHARE * self._limits.part_s)
        except ToolError as error:
            took = round((time.monotonic() - started) * 1000)
            entry = ToolCallEntry(tool=name, args=args, outcome="error", text=redact(clean(str(error))), took_ms=took)
            await self._journal.tool_call(investigation, entry)
            raise
        entry = ToolCallEntry(
            tool=name, args=args, outcome="ok", text=redact(clean(result.text)), took_ms=result.took_ms
        )
        await self._journal.tool_call(investigation, entry)
        return result

    # --- parts -------------------------------------------------------------------------------------------------------

    async def _changes(self, run: _Run) -> str:
        if "list_services" not in run.offered:
            raise ToolError("no MCP server that answers offers list_services")
        since = run.subject.onset - CHANGES_BEFORE
        args = {"since": _rfc3339(since)}
        result = await self._call(run, "list_services", args)
        run.services = shapes.services(result.structured)
        if not run.subject.service:
            run.subject = replace(run.subject, service=named_service(run.subject.text, run.services))
        run.known = relations(run.subject.service, run.services)
        changes = [change for one in run.services for change in one.changes]
        window = findings.changes_window(run.subject.window, since)
        query = findings.call_text("list_services", args)
        found = findings.from_changes(changes, run.known, run.subject, query, window)
        run.found.extend(found)
        nearest = f"; most telling: {clip(found[0].title, 120)}" if found else ""
        return f"{plural(len(run.services), 'service')}, {findings.described(len(changes), 'change')} in 24 h{nearest}"

    async def _metrics(self, run: _Run) -> str:
        window = run.subject.window
        names = neighbours(run.known, dependencies=_MOST_DEPENDENCIES) or [run.subject.service]
        queries: dict[str, str] = {}
        series: list[Series] = []

        async def one(name: str) -> None:
            args = {"service": name, "start": _rfc3339(window.start), "end": _rfc3339(window.end), "step": METRIC_STEP}
            queries[name] = findings.call_text("read_metrics", args)
            series.extend(shapes.series((await self._call(run, "read_metrics", args)).structured, name))

        await self._each(run, "metrics", {name: lambda name=name: one(name) for name in names})
        ranked = rank_changes(series, onset=run.subject.onset, nearness=nearness(run.known))
        found = findings.from_metrics(ranked, queries, window)
        run.found.extend(found)
        run.metrics = roots.Metrics(series=tuple(series), moved=tuple(ranked), queries=queries)
        run.found.extend(roots.from_load(series, run.services, run.subject, queries, window))
        run.found.extend(roots.from_standing(series, run.subject, queries, window))
        run.found.extend(healed.from_series(series, queries, run.subject, window))
        return f"{len(series)} series of {plural(len(names), 'service')}; {findings.described(len(found), 'notable change')}"

    async def _logs(self, run: _Run) -> str:
        window, boundary = run.subject.window, run.subject.onset - LOG_LEAD
        names = [name for name in neighbours(run.known) if run.known[name].distance <= 1] or [run.subject.service]
        queries: dict[str, str] = {}
        records: list[LogRecord] = []

        async def piece(name: str, start: datetime, end: datetime) -> None:
            args = {"service": name, "start": _rfc3339(start), "end": _rfc3339(end), "limit": LOG_LIMIT}
            if end == window.end:
                queries[name] = findings.call_text("read_logs", args)
            records.extend(shapes.records((await self._call(run, "read_logs", args)).structured, name))

        async def one(name: str) -> None:
            # Two calls, because servers cut long answers: the quiet time before must not be crowded out.
            await asyncio.gather(piece(name, window.start, boundary), piece(name, boundary, window.end))

        await self._each(run, "logs", {name: lambda name=name: one(name) for name in names})
        split = split_of(records, boundary, run.subject.onset)
        # A server may name a log's service in its own words.
        fallback = next(iter(queries.values()), "read_logs")
        templates = [
            template
            for name in dict.fromkeys(record.service for record in records)
            for template in rank_templates([one for one in records if one.service == name], boundary=split)
        ]
        templates.sort(key=lambda template: (-template.weight, template.service, template.template))
        known = {template.service: queries.get(template.service, fallback) for template in templates}
        found = findings.from_logs(templates, known, window)
        run.found.extend(found)
        mine = [one for one in records if one.service == run.subject.service]
        run.found += healed.from_logs(mine, fallback, run.subject, window)
        run.found += releases.from_logs(records, queries, releases.told_of(run.services), run.subject, window)
        return f"{plural(len(records), 'line')} of {plural(len(names), 'service')}; {findings.described(len(found), 'notable template')}"

    async def _traces(self, run: _Run) -> str:
        window = run.subject.window
        args = {"service": run.subject.service, "start": _rfc3339(window.start), "end": _rfc3339(window.end)}
        read = shapes.traces((await self._call(run, "read_traces", args)).structured)
        run.edges = tuple(read.edges)
        found = findings.from_traces(read, findings.call_text("read_traces", args), window)
        run.found.extend(found)
        return findings.described(len(found), "failing or slow call")

    async def _diagnostics(self, run: _Run, runbook: Runbook | None) -> str:
        steps = diagnostic_steps(runbook) if runbook is not None else ()
        if runbook is None or not steps:
            return "no diagnostic"
        scope = scope_for(run.subject, runbook, self._templates, run.brief.incident.id)
        results: dict[str, object] = {}
        failed: dict[str, Exception] = {}
        # One after the other, in the file's order: a later step may build on an earlier one's result.
        for step in steps:
            try:
                await self._diagnose(run, step, {**scope, "steps": results}, results)
            except (ToolError, ConfigError) as error:
                failed[step.id] = error
        if len(failed) == len(steps):
            raise ToolError(str(next(iter(failed.values()))))
        for name, error in failed.items():
            run.gap(f"diagnostics of {name}", str(error))
        telling = sorted((one for one in run.found if one.kind == "diagnostic"), key=lambda one: -one.weight)
        return telling[0].title if telling else "no diagnostic answered"

    async def _diagnose(self, run: _Run, step: Step, scope: Mapping[str, object], results: dict[str, object]) -> None:
        if step.when and not self._templates.holds(step.when, scope):
            return
        args = self._templates.fill(step.args, scope)
        asked = self._clock.now()
        result = await self._call(run, step.tool, args)
        results[step.id] = dict(result.structured)
        # A diagnostic shows the moment that it ran, not the alert's.
        window = Window(start=asked, end=max(asked, self._clock.now()))
        service = str(args.get("service") or run.subject.service)
        query = findings.call_text(step.tool, args)
        run.found.extend(from_diagnostic(result, service, query, window, step.title))
        run.found.extend(
            from_signature(signature, step, result, service, query, window)
            for signature in step.signatures
            if self._templates.holds(signature.when, {**scope, "steps": results, "result": dict(result.structured)})
        )

    async def _search(self, run: _Run) -> str:
        # One more than is shown: a labelled incident that is looked at again would find itself.
        found = await self._similar.search(run.subject.text, service=run.subject.service, k=_SIMILAR + 1)
        run.similar = findings.without_secrets(others(found, run.brief.incident.id, most=_SIMILAR))
        run.found.extend(findings.from_similar(run.similar, run.subject))
        count = len(run.similar.incidents)
        return f"{findings.described(count, 'similar incident')} among {run.similar.searched}"

    async def _suggest(self, run: _Run) -> None:
        """The runbook that is likeliest meant for an alert that none names; for people to judge, never to follow."""
        firing = next((one for one in run.brief.alerts if one.name in run.subject.alert_names), None)
        if self._likely is not None and firing is not None:
            found = await self._likely.likely(firing, 1)
            run.found.extend(findings.from_likely_runbook(one, match, run.subject) for one, match in found)

    async def _each(self, run: _Run, what: str, work: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
        """Several look-ups at once; one that fails is a gap. All failing is the part's failure."""
        failed: dict[str, Exception] = {}

        async def one(name: str, job: Callable[[], Awaitable[None]]) -> None:
            try:
                await job()
            except (ToolError, ConfigError) as error:
                failed[name] = error

        await asyncio.gather(*(one(name, job) for name, job in work.items()))
        if failed and len(failed) == len(work):
            raise ToolError(str(next(iter(failed.values()))))
        for name, error in failed.items():
            run.gap(f"{what} of {name}", str(error))


def _rfc3339(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
