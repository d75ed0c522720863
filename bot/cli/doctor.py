"""`aiops doctor`: every connection, one line each, with the mend."""

import asyncio
import difflib
import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
from rich.console import Console
from rich.text import Text

from bot.adapters.embeddings import SentenceEmbedder, resolve_model
from bot.adapters.postgres.migrate import missing
from bot.adapters.postmortems import load_postmortems
from bot.adapters.prompts import PromptFolder
from bot.adapters.runbooks import load_runbooks
from bot.adapters.tool_gate import Described
from bot.adapters.tools import McpTools
from bot.bootstrap import (
    database,
    make_model,
    mcp_servers,
    open_core,
    postmortem_folders,
    runbook_folders,
    tool_effects,
)
from bot.cli.finding import Finding
from bot.cli.show import print_json
from bot.cli.sweeping import sweep_findings
from bot.core.errors import AiopsError, ConfigError
from bot.core.policy import DEFAULT_ENVIRONMENT, Effect, Level, approvers_of
from bot.core.text import clip, one_line
from bot.ports import Message
from bot.settings import Autonomy, Settings, check_http, load_settings, slack_tokens
from bot.slack import doctor as slack_doctor
from bot.slack.client import make_client

_HOME = Path(__file__).parents[2]


async def accept_tools(settings: Settings) -> int:
    """Take every listed tool as its server describes it now, and say which had changed."""
    async with open_core(settings) as core:
        listed = await core.tools.listed()
        for server, tools in listed.items():
            accepted = await core.pins.accepted(server)
            changed = [one for one in tools if accepted.get(one.spec.name, {}).get("sha256") != one.sha256]
            pairs = {one.spec.name: (one.sha256, one.pinned) for one in changed}
            await core.pins.accept(server, pairs, by="aiops doctor")
            names = ", ".join(sorted(pairs)) or "nothing had changed"
            Console().print(f"{server}: {names}", highlight=False)
    Console().print("A running aiops sees it when it next lists the tools, within a minute.")
    return 0


async def _pins(settings: Settings) -> list[Finding]:
    """Tools that changed since a person accepted them are closed; this shows what is different. And how the sweep goes."""
    findings: list[Finding] = []
    if not mcp_servers(settings):
        return findings
    async with open_core(settings) as core:
        findings += await sweep_findings(core.sweep, settings.config.anomaly)
        for server, tools in (await core.tools.listed()).items():
            accepted = await core.pins.accepted(server)
            for tool in tools:
                before = accepted.get(tool.spec.name)
                if before is None:
                    words = f"closed, because another server was accepted with it before {server} offered it"
                    mend = f"If it is to come from {server}: leave it out of the other's `mcpServers.<name>.tools`."
                    findings.append(Finding(name=f"tool {tool.spec.name}", ok=False, words=words, mend=mend))
                elif before["sha256"] != tool.sha256:
                    words = f"closed, because it changed since it was accepted: {_difference(before, tool.pinned)}"
                    mend = "If the change is meant: aiops doctor --accept-tools"
                    findings.append(Finding(name=f"tool {tool.spec.name}", ok=False, words=words, mend=mend))
    return findings


def _difference(before: Mapping[str, object], now: Mapping[str, object]) -> str:
    """The lines that are not the same, with - and + as in a diff."""
    old, new = (
        json.dumps({key: one.get(key) for key in now}, indent=1, sort_keys=True).splitlines() for one in (before, now)
    )
    lines = [line for line in difflib.unified_diff(old, new, lineterm="", n=0) if line[:3] not in {"---", "+++"}]
    return clip(" ".join(one_line(line) for line in lines if not line.startswith("@@")), 600)


async def run(*, as_json: bool) -> int:
    """Look at everything; exit code 1 when anything is wrong."""
    try:
        settings = load_settings()
    except ConfigError as error:
        findings = [Finding(name="configuration", ok=False, words=str(error), mend="Correct the line it names.")]
    else:
        findings = await _look(settings)
    if as_json:
        print_json([{"name": f.name, "ok": f.ok, "words": f.words, "mend": f.mend} for f in findings])
    else:
        _print(findings)
    return 0 if all(finding.ok for finding in findings) else 1


async def _look(settings: Settings) -> list[Finding]:
    where = settings.config_path
    found = f"{where} is valid" if where.exists() else f"no {where}; the defaults are in force"
    findings = [Finding(name="configuration", ok=True, words=found)]
    if settings.environment.aiops_approval_key is None and settings.config.autonomy != Autonomy():
        words = "AIOPS_APPROVAL_KEY is not set, so no write can be approved"
        mend = "Set the same key, of at least 32 bytes, for aiops and for basecamp."
        findings.append(Finding(name="approvals", ok=False, words=words, mend=mend))
    findings += approval_findings(settings)
    groups = await asyncio.gather(
        _content(settings),
        _http(settings),
        _slack(settings),
        _database(settings),
        _model(settings),
        _tools(settings),
        _embeddings(settings),
    )
    looked = findings + [finding for group in groups for finding in group]
    database_is_well = all(one.ok for one in looked if one.name == "database")
    # Only now: it opens the embedded server, which one process has at a time.
    return looked + (await _pins_or_why(settings) if database_is_well else [])


def _may_write(settings: Settings) -> bool:
    """Whether some class of alert is above advisory."""
    autonomy = settings.config.autonomy
    return any(level is not Level.ADVISORY for level in (autonomy.default, *autonomy.classes.values()))


def approval_findings(settings: Settings) -> list[Finding]:
    """Environments in which something may be written and nobody could approve it."""
    if not _may_write(settings):
        return []
    config = settings.config
    places = {one.environment or DEFAULT_ENVIRONMENT for one in config.mcpServers.values()} or {DEFAULT_ENVIRONMENT}
    empty = sorted(place for place in places if not approvers_of(config.approvers, place))
    if not empty:
        return [Finding(name="approvers", ok=True, words=f"named for {', '.join(sorted(places))}")]
    words = f"`autonomy:` lets something be written, and nobody can approve it in {', '.join(empty)}"
    mend = f"Name people or groups in aiops.yaml, for example approvers: {{{empty[0]}: [S0123ABCD]}}."
    return [Finding(name="approvers", ok=False, words=words, mend=mend)]


def unplaced_findings(settings: Settings, listed: Mapping[str, Sequence[Described]]) -> list[Finding]:
    """Servers whose writes are denied, because nothing says by which environment's rules they would be approved."""
    config, effects = settings.config, tool_effects(settings)
    if not (set(config.approvers) | set(config.approvals.two_person)) - {DEFAULT_ENVIRONMENT}:
        return []
    findings: list[Finding] = []
    for name, tools in listed.items():
        writes = any(effects.get(one.spec.name, Effect.READ) is not Effect.READ for one in tools)
        if writes and not config.mcpServers[name].environment:
            words = "its writes are denied: who approves depends on the environment, and it does not say to which it belongs"
            mend = f"Set mcpServers.{name}.environment in aiops.yaml."
            findings.append(Finding(name=f"environment of {name}", ok=False, words=words, mend=mend))
    return findings


async def _pins_or_why(settings: Settings) -> list[Finding]:
    try:
        return await _pins(settings)
    except AiopsError as error:
        return [Finding(name="tools accepted", ok=False, words=str(error))]


async def _content(settings: Settings) -> list[Finding]:
    findings: list[Finding] = []
    try:
        reviews = load_postmortems(postmortem_folders(settings))
        words = "; ".join(reviews.problems) or f"{len(reviews.postmortems)} files"
        mend = "Correct the line it names."
        findings.append(Finding(name="postmortems", ok=not reviews.problems, words=words, mend=mend))
    except ConfigError as error:
        findings.append(Finding(name="postmortems", ok=False, words=str(error), mend="Correct the line it names."))
    try:
        PromptFolder(settings.content_folder("prompts"))
        findings.append(Finding(name="prompts", ok=True, words="all load"))
    except ConfigError as error:
        findings.append(Finding(name="prompts", ok=False, words=str(error), mend="Correct the line it names."))
    try:
        loaded = load_runbooks(runbook_folders(settings), effects=tool_effects(settings))
        words = "; ".join(loaded.problems) or f"{len(loaded.runbooks)} files"
        findings.append(
            Finding(name="runbooks", ok=not loaded.problems, words=words, mend="Correct the line it names.")
        )
    except ConfigError as error:
        findings.append(Finding(name="runbooks", ok=False, words=str(error)))
    return findings


async def _http(settings: Settings) -> list[Finding]:
    env = settings.environment
    where = f"{env.aiops_http_host}:{env.aiops_http_port}"
    try:
        check_http(env)
    except ConfigError as error:
        return [Finding(name="http", ok=False, words=str(error))]
    try:
        with socket.create_server((env.aiops_http_host, env.aiops_http_port)):
            token = "a bearer token is asked for" if env.aiops_webhook_token else "no token, this machine only"
            return [Finding(name="http", ok=True, words=f"{where} is free; {token}")]
    except OSError as error:
        if await _is_aiops(where):
            return [Finding(name="http", ok=True, words=f"aiops is serving at {where}")]
        words = f"{where} cannot be used: {error.strerror}"
        return [Finding(name="http", ok=False, words=words, mend="Set AIOPS_HTTP_PORT to a free port.")]


async def _is_aiops(where: str) -> bool:
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        try:
            return (await client.get(f"http://{where}/healthz")).json() == {"status": "alive"}
        except (httpx.HTTPError, ValueError):
            return False


def _needed_scopes() -> list[str]:
    manifest = json.loads((_HOME / "manifest.json").read_text(encoding="utf-8"))
    return list(manifest["oauth_config"]["scopes"]["bot"])


async def _slack(settings: Settings) -> list[Finding]:
    try:
        bot_token, app_token = slack_tokens(settings.environment)
    except ConfigError as error:
        return [Finding(name="slack", ok=False, words=str(error))]
    client = make_client(bot_token, settings.environment.slack_api_url)
    channels = settings.config.channels
    checks = await slack_doctor.check(
        client,
        app_token=app_token,
        needed_scopes=_needed_scopes(),
        channels=list(dict.fromkeys([*channels.watch, channels.post, channels.for_digest])),
    )
    if _may_write(settings):
        checks += await slack_doctor.check_approvers(client, settings.config.approvers)
    return [Finding(name=f"slack {one.name}", ok=one.ok, words=one.words, mend=one.mend) for one in checks]


async def _database(settings: Settings) -> list[Finding]:
    kind = "DATABASE_URL" if settings.environment.database_url else "embedded PostgreSQL"
    try:
        async with database(settings) as dsn:
            names = await missing(dsn)
    except AiopsError as error:
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        return [Finding(name="database", ok=False, words=f"{kind}: {error}{cause}", mend="Check DATABASE_URL.")]
    if names:
        words = f"{kind} answers, but lacks {', '.join(names)}"
        return [Finding(name="database", ok=False, words=words, mend="Run `aiops migrate`; `aiops serve` does it too.")]
    return [Finding(name="database", ok=True, words=f"{kind} answers, all migrations are applied")]


async def _model(settings: Settings) -> list[Finding]:
    model = make_model(settings)
    if model is None:
        return [Finding(name="model", ok=True, words="LLM_MODEL is not set: the offline analyst answers")]
    try:
        reply = await model.complete(
            [Message(role="user", content="Answer with the single word: ready")], tools=[], max_tokens=16, timeout_s=30
        )
    except AiopsError as error:
        mend = "Check LLM_MODEL, LLM_BASE_URL and LLM_API_KEY. Until then the offline analyst answers."
        return [Finding(name="model", ok=False, words=str(error), mend=mend)]
    finally:
        await model.aclose()
    return [Finding(name="model", ok=True, words=f"{reply.model} answered in {reply.took_ms} ms")]


async def _tools(settings: Settings) -> list[Finding]:
    servers = mcp_servers(settings)
    if not servers:
        mend = "Add mcpServers to aiops.yaml, for example basecamp: {url: http://127.0.0.1:8811/mcp}."
        return [
            Finding(name="mcp", ok=False, words="no server is configured, so there is no evidence to gather", mend=mend)
        ]
    async with McpTools(servers, tool_effects(settings)) as tools:
        health = await tools.health()
        served = await tools.available()
        contested = await tools.contested()
        findings = unplaced_findings(settings, await tools.listed())
    for name, wrong in health.items():
        names = sorted(spec.name for spec in served if spec.server == name)
        words = wrong or f"{len(names)} read tools: {', '.join(names)}"
        mend = "Start the server, or correct its entry in aiops.yaml."
        findings.append(Finding(name=f"mcp {name}", ok=not wrong, words=words, mend=mend))
    for name, names in contested.items():
        words = f"denied, because {' and '.join(names)} offer it"
        mend = f"Leave {name} out of `mcpServers.<name>.tools` in aiops.yaml for every server but one."
        findings.append(Finding(name=f"tool {name}", ok=False, words=words, mend=mend))
    return findings


async def _embeddings(settings: Settings) -> list[Finding]:
    try:
        embedder = SentenceEmbedder(resolve_model(settings.environment.embedding_model))
    except ConfigError as error:
        return [Finding(name="embeddings", ok=False, words=str(error))]
    try:
        (vector,) = await embedder.embed(["ready"])
    except AiopsError as error:
        return [Finding(name="embeddings", ok=False, words=str(error), mend="Check EMBEDDING_MODEL.")]
    finally:
        embedder.close()
    return [Finding(name="embeddings", ok=True, words=f"{embedder.name}, {len(vector)} numbers a text")]


def _print(findings: list[Finding]) -> None:
    console = Console(soft_wrap=True)
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = ("ok  ", "green") if finding.ok else ("FAIL", "bold red")
        mend = f"\n        {' ' * width}{finding.mend}" if finding.mend and not finding.ok else ""
        console.print(Text.assemble(mark, f"  {finding.name:<{width}}  {finding.words}", (mend, "yellow")))
