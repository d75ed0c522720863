"""McpTools against real MCP servers over streamable HTTP and stdio."""

import asyncio
import sys
import textwrap
from dataclasses import replace

import pytest
from mcp.server import MCPServer
from mcp.types import ToolAnnotations

from bot.adapters.tool_gate import DEFAULT_EFFECTS, MemoryPins
from bot.adapters.tools import McpServer, McpTools
from bot.core.errors import ToolDeniedError, ToolError, ToolUnavailableError
from tests.agent.worlds import World, leak_world, mcp_url, served
from tests.support.ports import listening_socket

ARGS = {"service": "checkout", "start": "2026-11-20T09:00:00Z", "end": "2026-11-20T09:02:00Z"}


def free_port() -> int:
    with listening_socket() as listener:
        return listener.getsockname()[1]


async def test_read_tools_are_offered_and_others_are_not():
    async with served(leak_world()) as url, McpTools([McpServer(name="basecamp", url=url)]) as tools:
        names = {spec.name for spec in await tools.available()}
        assert names == {"list_services", "read_metrics", "read_logs", "pg_activity", "pg_settings"}
        assert await tools.health() == {"basecamp": ""}


async def test_a_result_comes_structured_and_as_text():
    async with served(leak_world()) as url, McpTools([McpServer(name="basecamp", url=url)]) as tools:
        result = await tools.call("list_services", {"since": "2026-11-19T09:02:00Z"}, timeout_s=3)
        assert result.server == "basecamp"
        assert [one["name"] for one in result.structured["services"]][:2] == ["orders-db", "checkout"]
        assert "orders-db" in result.text


@pytest.mark.parametrize("name", ["pg_terminate_backends", "shell", "read_log", "READ_LOGS"])
async def test_what_is_not_listed_as_read_by_its_exact_name_is_denied(name):
    world = leak_world()
    async with served(world) as url, McpTools([McpServer(name="basecamp", url=url)]) as tools:
        with pytest.raises(ToolDeniedError, match=name):
            await tools.call(name, {}, timeout_s=3)
        assert world.calls == []


async def test_a_server_that_says_its_tool_writes_makes_it_denied_whatever_our_list_says():
    server = MCPServer("odd")

    @server.tool(annotations=ToolAnnotations(read_only_hint=False))
    def read_logs() -> str:
        return "done"

    async with mcp_url(server) as url, McpTools([McpServer(name="odd", url=url)]) as tools:
        assert await tools.available() == ()
        with pytest.raises(ToolDeniedError, match="may only read; read_logs is write"):
            await tools.call("read_logs", {}, timeout_s=3)


async def test_a_tool_error_carries_the_servers_words():
    world = World(services="catalogue is broken at line 7")
    async with served(world) as url, McpTools([McpServer(name="basecamp", url=url)]) as tools:
        with pytest.raises(ToolError, match="catalogue is broken at line 7"):
            await tools.call("list_services", {}, timeout_s=3)


async def test_bad_arguments_are_a_tool_error_that_names_the_argument():
    async with served(leak_world()) as url, McpTools([McpServer(name="basecamp", url=url)]) as tools:
        with pytest.raises(ToolError, match="service"):
            await tools.call("read_metrics", {}, timeout_s=3)


async def test_a_slow_tool_ends_at_its_timeout_while_others_answer():
    world = leak_world()
    world.hanging = frozenset({"read_metrics"})
    async with served(world) as url, McpTools([McpServer(name="basecamp", url=url)]) as tools:
        slow = asyncio.create_task(tools.call("read_metrics", ARGS, timeout_s=0.5))
        assert (await tools.call("read_logs", ARGS, timeout_s=3)).structured["lines"]
        with pytest.raises(ToolUnavailableError, match="read_metrics gave no answer"):
            await slow


async def test_many_calls_share_one_connection():
    async with served(leak_world()) as url, McpTools([McpServer(name="basecamp", url=url)]) as tools:
        results = await asyncio.gather(*(tools.call("read_logs", ARGS, timeout_s=5) for _ in range(20)))
        assert len({str(result.structured) for result in results}) == 1


async def test_a_server_that_is_away_fails_soon_and_is_named():
    async with McpTools([McpServer(name="basecamp", url=f"http://127.0.0.1:{free_port()}/mcp")]) as tools:
        with pytest.raises(ToolUnavailableError, match="basecamp is away"):
            await tools.call("read_logs", ARGS, timeout_s=3)
        assert await tools.available() == ()
        assert "basecamp" in (await tools.health())["basecamp"]


async def test_a_server_that_restarted_is_reached_again():
    port = free_port()
    async with McpTools([McpServer(name="basecamp", url=f"http://127.0.0.1:{port}/mcp")]) as tools:
        async with served(leak_world(), port):
            await tools.call("list_services", {}, timeout_s=3)
        async with served(leak_world(), port):
            result = await tools.call("list_services", {}, timeout_s=3)
            assert result.structured["services"]


async def test_a_tool_that_two_servers_offer_is_nobodys_until_the_configuration_takes_it_from_one():
    first, second = World(services=[]), leak_world()
    async with served(first) as one, served(second) as two:
        servers = [McpServer(name="first", url=one), McpServer(name="second", url=two)]
        async with McpTools(servers) as tools:
            with pytest.raises(ToolDeniedError, match="list_services is offered by first and second"):
                await tools.call("list_services", {}, timeout_s=3)
            assert await tools.available() == ()
            assert (await tools.contested())["list_services"] == ["first", "second"]

        picked = [replace(servers[0], tools=frozenset()), servers[1]]
        async with McpTools(picked) as tools:
            assert (await tools.call("list_services", {}, timeout_s=3)).server == "second"
            assert {spec.server for spec in await tools.available()} == {"second"}
            assert await tools.contested() == {}


async def test_a_newcomer_that_offers_a_known_tool_while_its_server_is_away_does_not_get_the_calls():
    port = free_port()
    home = McpServer(name="home", url=f"http://127.0.0.1:{port}/mcp")
    pins = MemoryPins()
    async with served(leak_world(), port), McpTools([home], pins=pins) as tools:
        await tools.call("list_services", {}, timeout_s=3)

    newcomer = leak_world()
    async with served(newcomer) as url:
        servers = [McpServer(name="newcomer", url=url), home]
        async with McpTools(servers, pins=pins) as tools:
            with pytest.raises(ToolDeniedError, match="list_services was accepted from another server before"):
                await tools.call("list_services", {}, timeout_s=3)
        assert newcomer.calls == []
        # Once the configuration says that it does not come from there any more, the newcomer has it.
        servers = [servers[0], replace(home, tools=frozenset())]
        async with McpTools(servers, pins=pins) as tools:
            assert (await tools.call("list_services", {}, timeout_s=3)).server == "newcomer"


async def test_one_server_away_leaves_the_others_tools():
    async with served(leak_world()) as url:
        servers = [McpServer(name="gone", url=f"http://127.0.0.1:{free_port()}/mcp"), McpServer(name="here", url=url)]
        async with McpTools(servers) as tools:
            assert (await tools.call("list_services", {}, timeout_s=3)).server == "here"
            health = await tools.health()
            assert health["here"] == ""
            assert health["gone"] != ""


async def test_headers_reach_the_server():
    seen: list[str] = []
    server = MCPServer("guarded")
    inner = server.streamable_http_app()

    async def app(scope, receive, send):
        seen.extend(value.decode() for key, value in scope.get("headers", []) if key == b"authorization")
        await inner(scope, receive, send)

    from tests.support.openai_endpoint import serving

    async with serving(app) as port:
        config = McpServer(name="guarded", url=f"http://127.0.0.1:{port}/mcp", headers={"Authorization": "Bearer abc"})
        async with McpTools([config]) as tools:
            assert await tools.health() == {"guarded": ""}
    assert "Bearer abc" in seen


async def test_a_stdio_server_is_started_called_and_ended(tmp_path):
    program = tmp_path / "server.py"
    program.write_text(
        textwrap.dedent("""
        import os
        from mcp.server import MCPServer
        server = MCPServer("stdio")
        @server.tool()
        def read_logs(service: str) -> dict:
            return {"lines": [], "mark": os.environ["MARK"]}
        server.run("stdio")
        """),
        encoding="utf-8",
    )
    config = McpServer(name="local", command=sys.executable, args=(str(program),), env={"MARK": "m-1"})
    async with McpTools([config]) as tools:
        assert (await tools.call("read_logs", {"service": "x"}, timeout_s=10)).structured["mark"] == "m-1"


def test_every_tool_of_the_contract_has_an_effect_and_no_write_tool_is_read():
    assert DEFAULT_EFFECTS["list_services"] == "read"
    assert {name for name, effect in DEFAULT_EFFECTS.items() if effect != "read"} == {
        "notify_slack", "redis_config_set", "k8s_scale", "k8s_rollout_restart", "k8s_rollout_undo", "k8s_delete_pod",
        "pg_terminate_backends", "redis_unlink",
    }  # fmt: skip
