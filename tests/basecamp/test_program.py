from __future__ import annotations

import asyncio
import re
import subprocess
import sys

import httpx
import pytest
from mcp import Client, StdioServerParameters

from tests.basecamp.calls import at, call
from tests.basecamp.grants import ENVIRON

COMMAND = [sys.executable, "-m", "basecamp"]


def run(*arguments: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, env=environ)


async def test_the_tools_are_served_on_standard_input_and_output(config, tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "shop.log").write_text(f"{at(0)} INFO ready\n")
    arguments = ["-m", "basecamp", "serve", "--transport", "stdio", "--config", str(config("logs: {folder: logs}\n"))]
    server = StdioServerParameters(command=sys.executable, args=arguments)
    async with Client(server, read_timeout_seconds=60) as client:
        (tool,) = (await client.list_tools()).tools
        result = await call(client, "read_logs", service="shop", start=at(0), end=at(1))
    assert tool.name == "read_logs"
    assert tool.annotations.read_only_hint is True
    assert tool.output_schema["properties"].keys() == {"lines", "truncated"}
    assert [line["text"] for line in result["lines"]] == ["INFO ready"]


async def test_the_program_serves_http_and_ends_cleanly_when_told(config):
    file = config("logs: {folder: logs}\n")
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "serve", "--config", str(file), "--port", "0", stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(60):
            async for line in process.stderr:
                if found := re.search(rb"serving (http://\S+)/mcp", line):
                    break
            async with httpx.AsyncClient() as http:
                answer = await http.get(f"{found[1].decode()}/healthz")
            process.terminate()
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert answer.json()["tools"] == ["read_logs"]
    assert code == 0


def test_check_prints_a_line_per_backend_with_the_mend(config, dsn, tmp_path):
    (tmp_path / "catalog-info.yaml").write_text("kind: Component\nmetadata: {name: shop}\n")
    file = config(
        "catalog: catalog-info.yaml\n"
        f'database_url: "{dsn}"\n'
        "logs: {folder: nowhere}\n"
        "prometheus: {url: 'http://bot:hunter2@127.0.0.1:9'}\n"
        f'postgres: {{orders-db: "{dsn}", shop-db: "{dsn.replace("postgres:", "shop:")}"}}\n'
    )
    done = run("check", "--config", str(file))
    lines = {line.split(": ")[0].split(maxsplit=1)[1]: line for line in done.stdout.splitlines()}
    assert done.returncode == 1
    assert lines["database"].startswith("ok ")
    assert "1 services" in lines["catalog"]
    assert lines["postgres orders-db"].startswith("ok ")
    assert "may not use a reserved slot" in lines["postgres shop-db"]
    assert "create it or mend" in lines["logs"]
    assert "cannot be reached" in lines["prometheus"]
    assert lines["trino"].startswith("absent ")
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.external_service("redis-server")
def test_check_says_whether_tools_that_change_something_can_act_and_leaves_no_trace(config, redis_config, tmp_path):
    file = config(redis_config)
    without = run("check", "--config", str(file), environ={})
    with_key = run("check", "--config", str(file), environ=ENVIRON)
    file = config(f"{redis_config}audit: {{file: nowhere/audit.jsonl}}\n")
    unwritable = run("check", "--config", str(file), environ=ENVIRON)
    assert "absent  approvals: set AIOPS_APPROVAL_KEY to at least 32 bytes" in without.stdout
    assert "until then these refuse: redis_unlink, redis_config_set" in without.stdout
    assert (without.returncode, with_key.returncode, unwritable.returncode) == (0, 0, 1)
    assert "ok      redis cart-cache: Redis user default@127.0.0.1:" in with_key.stdout
    assert (
        "ok      approvals: a key is set; every call of redis_unlink, redis_config_set is written to" in with_key.stdout
    )
    assert "failed  approvals:" in unwritable.stdout
    assert "set `audit: {file: …}`" in unwritable.stdout
    assert list(tmp_path.glob("*.jsonl")) == []
    everything = without.stdout + with_key.stdout + unwritable.stdout + with_key.stderr
    assert "hunter2" not in everything
    assert ENVIRON["AIOPS_APPROVAL_KEY"] not in everything


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        ("lgos: {folder: x}\n", (), "did you mean 'logs'?"),
        ("logs: {folder: x}\n", ("--host", "0.0.0.0"), "reachable from other machines"),
        ("approval_key: short\n", (), "has 5 bytes; it needs 32 or more"),
        ("catalog: missing.yaml\n", (), "missing.yaml: cannot be read"),
    ],
)
def test_a_program_that_cannot_be_served_says_why_and_ends(config, text, arguments, words):
    done = run("serve", "--config", str(config(text)), "--port", "0", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
