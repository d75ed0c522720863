"""Every tool that changes something, over real MCP, against real systems: without its own grant it does nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import jwt
import psycopg
import pytest
from mcp import Client
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from basecamp.bootstrap import open_basecamp
from basecamp.hosting import build_server
from basecamp.settings import load_settings
from tests.basecamp.calls import call, refused
from tests.basecamp.conftest import REDIS_PASSWORD
from tests.basecamp.grants import ENVIRON, KEY, claims, mint, write
from tests.basecamp.standins import serving
from tests.support.kubernetes import moving_cluster

pytestmark = pytest.mark.external_service("redis-server")
WRITES = {
    "pg_terminate_backends", "redis_unlink", "redis_config_set", "notify_slack",
    "k8s_rollout_undo", "k8s_rollout_restart", "k8s_delete_pod", "k8s_scale",
}  # fmt: skip


class World:
    """One real target for every tool: a session, a key, a setting, a pod, a channel."""

    def __init__(self, config: str, dsn: str, redis_port: int, posts: list[dict]) -> None:
        self.config, self.posts = config, posts
        self._dsn, self._redis_port = dsn, redis_port
        self.arguments: dict[str, dict[str, Any]] = {}

    async def learn(self, client: Client) -> None:
        """The arguments with which each tool would act on its target."""
        sessions = await call(client, "pg_sessions", service="orders-db", application_name="checkout/2.31.0")
        payments = await call(client, "k8s_rollout_history", service="payments")
        pods = await call(client, "k8s_describe_pod", service="payments")
        workload, pod = pods["workload"], pods["pods"][0]
        at = {"service": "payments", "uid": workload["uid"]}
        self.arguments = {
            "pg_terminate_backends": {
                "service": "orders-db",
                "sessions": [{"pid": each["pid"], "started": each["started"]} for each in sessions["sessions"]],
            },
            "redis_unlink": {"service": "cart-cache", "keys": [{"key": "cart:1", "type": "string"}]},
            "redis_config_set": {"service": "cart-cache", "name": "maxmemory-policy", "value": "allkeys-lru"},
            "notify_slack": {"channel": "#ops", "text": "We are looking."},
            "k8s_rollout_undo": {
                **at,
                "from_revision": payments["current_revision"],
                "to_revision": payments["previous_revision"],
            },
            "k8s_rollout_restart": {**at, "from_revision": payments["current_revision"]},
            "k8s_delete_pod": {"service": "payments", "pod": pod["name"], "uid": pod["uid"]},
            "k8s_scale": {**at, "from_replicas": workload["replicas"], "replicas": workload["replicas"] + 1},
        }

    async def state(self, client: Client) -> dict[str, Any]:
        """All that the tools could have changed, looked at mostly behind basecamp's back."""
        async with await psycopg.AsyncConnection.connect(self._dsn) as connection:
            rows = await connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'checkout/2.31.0'"
            )
            sessions = sorted(await rows.fetchall())
        async with Redis(port=self._redis_port, password=REDIS_PASSWORD) as redis:
            keys = sorted(await redis.keys())
            settings = await redis.config_get("maxmemory*")
        pods = await call(client, "k8s_describe_pod", service="payments")
        workload = {name: pods["workload"][name] for name in ("uid", "revision", "generation", "replicas")}
        return {
            "sessions": sessions,
            "keys": keys,
            "settings": settings,
            "workload": workload,
            "pods": sorted(pod["uid"] for pod in pods["pods"]),
            "posts": len(self.posts),
        }


def webhook(posts: list[dict]) -> Starlette:
    async def take(request: Request) -> Response:
        posts.append(await request.json())
        return PlainTextResponse("ok")

    return Starlette(routes=[Route("/services/T0/B0/secret", take, methods=["POST"])])


@pytest.fixture
async def world(dsn, redis_server, redis_client, redis_config, tmp_path) -> AsyncIterator[World]:
    posts: list[dict] = []
    redis_client.set("cart:1", "x" * 1000)
    with contextlib.ExitStack() as leak:
        for _ in range(3):
            leaked = psycopg.connect(dsn, user="shop", application_name="checkout/2.31.0", autocommit=True)
            leak.enter_context(contextlib.closing(leaked))
        async with moving_cluster(tmp_path), serving(webhook(posts)) as slack:
            config = (
                f'postgres: {{orders-db: "{dsn}"}}\n{redis_config}'
                "kubernetes: {payments: {namespace: shop, kubeconfig: kubeconfig}}\n"
                f'slack: {{webhooks: {{"#ops": "{slack}/services/T0/B0/secret"}}}}\n'
            )
            yield World(config, dsn, redis_server, posts)


def audited(tmp_path: Path, event: str | None = None) -> list[dict[str, Any]]:
    lines = (tmp_path / "basecamp-audit.jsonl").read_text("utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    return [entry for entry in entries if event in {None, entry["event"]}]


async def write_tools(client: Client) -> set[str]:
    tools = (await client.list_tools()).tools
    return {tool.name for tool in tools if not tool.annotations.read_only_hint}


def changed(arguments: dict[str, Any]) -> dict[str, Any]:
    """The same call with one more letter in one place."""
    name = next(name for name, value in arguments.items() if isinstance(value, str))
    return {**arguments, name: arguments[name] + "x"}


def unsigned(payload: dict[str, Any]) -> str:
    return jwt.encode(payload, None, algorithm="none")


Forged = Callable[[str, dict[str, Any]], object]
# Each gives what is sent as the grant of a call that is otherwise right.
FORGERIES: dict[str, tuple[Forged, str]] = {
    "no grant": (lambda _tool, _arguments: None, "no approval grant"),
    "no token": (lambda _tool, _arguments: {"alg": "none"}, "is not a token"),
    "expired": (lambda t, a: mint(t, a, iat=int(time.time()) - 200, exp=int(time.time()) - 10), "expired"),
    "not begun": (lambda t, a: mint(t, a, iat=int(time.time()) + 60, exp=int(time.time()) + 90), "begins in"),
    "wrong key": (lambda t, a: mint(t, a, key="x" * 40), "not one that was signed"),
    "alg none": (lambda t, a: unsigned(claims(t, a)), "not one that was signed"),
    "other algorithm": (lambda t, a: jwt.encode(claims(t, a), KEY * 2, algorithm="HS512"), "not one that was signed"),
    "wrong issuer": (lambda t, a: mint(t, a, iss="mallory"), "not issued by"),
    "wrong tool": (lambda _tool, a: mint("preview_write", a), "is for 'preview_write'"),
    "changed argument": (lambda t, a: mint(t, changed(a)), "for other arguments"),
    "too long life": (lambda t, a: mint(t, a, exp=int(time.time()) + 400), "lives longer"),
    "no jti": (lambda t, a: mint(t, a, jti=""), "'jti' is not text"),
}


async def send(client: Client, tool: str, arguments: dict[str, Any], token: object):
    meta = {} if token is None else {"aiops/grant": token}
    return await client.call_tool(tool, arguments, meta=meta)


def is_refused(answer) -> str:
    assert answer.is_error
    assert answer.structured_content is None
    assert answer.meta["aiops/outcome"] == "refused"
    text = answer.content[0].text
    assert text.startswith("refused: ")
    return text


async def test_no_tool_that_changes_something_acts_without_its_own_grant(world, connected, tmp_path):
    async with connected(world.config, ENVIRON) as client:
        await world.learn(client)
        assert await write_tools(client) == WRITES == world.arguments.keys()
        before = await world.state(client)
        for tool, arguments in world.arguments.items():
            for name, (forge, words) in FORGERIES.items():
                text = is_refused(await send(client, tool, arguments, forge(tool, arguments)))
                assert words in text, (tool, name)
        assert await world.state(client) == before
    entries = audited(tmp_path)
    assert [entry["event"] for entry in entries] == ["begun"] + ["refused"] * len(WRITES) * len(FORGERIES)
    assert all(entry["reason"] for entry in entries[1:])
    assert {entry["tool"] for entry in entries[1:]} == WRITES
    assert oct((tmp_path / "basecamp-audit.jsonl").stat().st_mode & 0o777) == "0o600"


async def test_a_grant_is_good_for_one_call_of_any_tool_and_not_for_another_after_a_restart(world, connected, tmp_path):
    async with connected(world.config, ENVIRON) as client:
        await world.learn(client)
        # The deployment has one uid and revision to name, so of its tools one may act.
        once = {
            tool: mint(tool, world.arguments[tool]) for tool in WRITES - {"k8s_rollout_undo", "k8s_rollout_restart"}
        }
        for tool, token in once.items():
            answer = await send(client, tool, world.arguments[tool], token)
            assert not answer.is_error, answer.content[0].text
            assert {target["outcome"] for target in answer.structured_content["targets"]} == {"changed"}
    acted = audited(tmp_path)
    async with connected(world.config, ENVIRON) as client:
        for tool, token in once.items():
            assert "is used already" in is_refused(await send(client, tool, world.arguments[tool], token))
    assert [entry["event"] for entry in acted] == ["begun"] + ["acting", "outcome"] * len(once)
    assert {entry["outcome"] for entry in acted if entry["event"] == "outcome"} == {"done"}
    assert {entry["grant"]["approver"] for entry in acted[1:]} == {"U0ALICE"}
    assert acted[1]["arguments"] == world.arguments[acted[1]["tool"]]
    assert acted[2]["result"]["targets"]
    assert len(audited(tmp_path, "refused")) == len(once)
    assert len(world.posts) == 1


async def test_without_a_key_tools_that_change_something_are_listed_and_refuse(world, connected, tmp_path):
    async with connected(world.config) as client:
        await world.learn(client)
        assert await write_tools(client) == WRITES
        before = await world.state(client)
        for tool, arguments in world.arguments.items():
            text = is_refused(await send(client, tool, arguments, mint(tool, arguments)))
            assert "no approval key" in text
            assert "AIOPS_APPROVAL_KEY" in text
        assert await world.state(client) == before
    assert len(audited(tmp_path, "refused")) == len(WRITES)


async def test_previews_name_the_targets_of_every_tool_and_change_nothing(world, connected, tmp_path):
    async with connected(world.config, ENVIRON) as client:
        await world.learn(client)
        before = await world.state(client)
        for tool, arguments in world.arguments.items():
            preview = await call(client, "preview_write", tool=tool, arguments=arguments)
            assert preview["tool"] == tool
            assert preview["targets"]
            assert preview["runs_as"]
            assert preview["summary"]
        assert await world.state(client) == before
        assert "did you mean 'redis_unlink'?" in await refused(
            client, "preview_write", tool="redis_unlnk", arguments={}
        )
        words = await refused(client, "preview_write", tool="k8s_scale", arguments={"servce": "payments"})
        assert "servce is not an argument; did you mean 'service'?" in words
    assert audited(tmp_path) == audited(tmp_path, "begun")


async def test_the_server_itself_holds_no_other_door_to_a_tool(world, config):
    async with open_basecamp(load_settings(config(world.config), ENVIRON)) as basecamp:
        server = build_server(basecamp.tools, basecamp.gate)
        for spec in basecamp.writes():
            tool = server._tool_manager.get_tool(spec.name)
            parameters = dict.fromkeys(tool.parameters["properties"])
            with pytest.raises(Exception, match="through the approval gate alone"):
                await tool.fn(**parameters)


async def race(clients: list[Client], tool: str, arguments: dict[str, Any], token: str) -> list[Any]:
    return await asyncio.gather(*(send(client, tool, arguments, token) for client in clients))


async def test_of_many_identical_calls_at_once_exactly_one_acts_even_across_processes_of_one_file(
    world, running, config, tmp_path
):
    # Two servers with one audit file, as two processes on one machine: they share nothing but the file.
    async with (
        running(world.config, ENVIRON) as one,
        running(world.config, ENVIRON) as other,
        Client(f"{one}/mcp") as first,
        Client(f"{other}/mcp") as second,
    ):
        for number in range(10):
            arguments = {"channel": "#ops", "text": f"race {number}"}
            answers = await race([first, second] * 5, "notify_slack", arguments, mint("notify_slack", arguments))
            done = [answer for answer in answers if not answer.is_error]
            assert len(done) == 1
            assert all("is used already" in is_refused(answer) for answer in answers if answer.is_error)
    assert [post["text"] for post in world.posts] == [f"race {number}" for number in range(10)]
    assert len(audited(tmp_path, "acting")) == len(audited(tmp_path, "outcome")) == 10
    assert len(audited(tmp_path, "refused")) == 90


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"chanel": "#ops", "text": "x"}, "chanel is not an argument; did you mean 'channel'?"),
        ({"channel": "#ops"}, "text is missing"),
        ({"channel": "#ops", "text": 7}, "text: input should be a valid string"),
        ({"channel": "#ops", "text": ["x"]}, "text: input should be a valid string"),
        ({"channel": "#ops", "text": "x", "thread": "1"}, "thread is not an argument"),
        ({"channel": "#opz", "text": "x"}, "did you mean '#ops'?"),
        ({"channel": "#ops", "text": "x" * 3001}, "it has 3001"),
        ({"channel": "#ops", "text": "x" * 70_000}, "at most 65536"),
        ({}, "channel is missing"),
    ],
)
async def test_granted_arguments_that_do_not_fit_the_tool_are_refused(world, connected, tmp_path, arguments, words):
    async with connected(world.config, ENVIRON) as client:
        text = is_refused(await write(client, "notify_slack", **arguments))
    assert words in text
    assert world.posts == []
    assert words in audited(tmp_path)[-1].get("reason", audited(tmp_path)[-1].get("error"))
