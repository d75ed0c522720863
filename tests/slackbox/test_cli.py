"""`slackbox serve` as a process: where it listens, what it says when it cannot, and that it calls nobody."""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import websockets
from slack_sdk.web.async_client import AsyncWebClient

from tests.slackbox import samples
from tests.slackbox.helpers import MANIFEST

SERVE = [sys.executable, "-m", "slackbox", "serve", "--manifest", str(MANIFEST)]


@contextlib.contextmanager
def serving(*options, command=SERVE):
    """A running slackbox and what it printed; its words on standard error are in `facts` after the block."""
    with subprocess.Popen(
        [*command, "--port", "0", "--json", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            facts = json.loads(process.stdout.readline())
            yield facts
        finally:
            process.terminate()
            _, said = process.communicate(timeout=20)
        assert process.returncode == 0, said
        facts["stderr"] = said


def refused(*options):
    """The status and the words of a slackbox that must not start."""
    done = subprocess.run([*SERVE, *options], capture_output=True, text=True, timeout=30)
    assert done.stdout == ""
    return done.returncode, done.stderr


def listening_addresses(port):
    """The local addresses that take connections on a port, as the kernel lists them."""
    found = set()
    for table, families in (("/proc/net/tcp", socket.AF_INET), ("/proc/net/tcp6", socket.AF_INET6)):
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, number = local.partition(":")
            if state == "0A" and int(number, 16) == port:
                words = [bytes.fromhex(address[n : n + 8])[::-1] for n in range(0, len(address), 8)]
                found.add(socket.inet_ntop(families, b"".join(words)))
    return found


def port_of(facts):
    return int(facts["page"].rstrip("/").rpartition(":")[2])


def test_it_listens_on_loopback_only_and_says_nothing_about_it():
    with serving() as facts:
        assert listening_addresses(port_of(facts)) == {"127.0.0.1"}
    assert facts["stderr"] == ""


def test_another_address_is_used_with_a_warning_that_says_what_others_can_do():
    with serving("--host", "0.0.0.0") as facts:
        assert listening_addresses(port_of(facts)) == {"0.0.0.0"}
        assert facts["page"].startswith("http://127.0.0.1:")
    assert "WARNING" in facts["stderr"]
    assert "act as anyone" in facts["stderr"]


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--port", "70000"], 2, "'70000' is no port"),
        (["--rate-limits", "strickt"], 2, "strict"),
        (["--channel", "Pay Ments"], 2, "'Pay Ments' cannot name a channel"),
        (["--private-channel", "alerts"], 2, "There is already a channel #alerts"),
        (["--channel", "pay-ments", "--channel", "payments"], 2, "the same id, C0PAYMENTS, as #pay-ments"),
        (["--virtual-clock", "2026-11-23T09:00"], 2, "has none"),
        (["--connection-seconds", "0"], 2, "'0' is not a number of seconds above 0"),
        (["--retry-delays", "0,soon"], 2, "'soon' is not a number of seconds"),
        (["--journal", "/nowhere/at/all.jsonl"], 2, "/nowhere/at/all.jsonl"),
    ],
)
def test_a_wrong_option_is_refused_with_a_sentence(options, status, words):
    got, said = refused(*options)

    assert got == status
    assert words in said
    assert "Traceback" not in said


def test_a_broken_manifest_is_named_with_the_line(tmp_path):
    path = tmp_path / "manifest.json"
    path.write_text('{"settings": {\n  "socket_mode_enabled": yes\n}}', encoding="utf-8")
    status, said = refused("--manifest", str(path))

    assert status == 2
    assert f"{path} is not JSON" in said
    assert "line 2" in said


def test_a_port_that_is_taken_is_named_and_another_is_offered():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = refused("--port", str(port))

    assert status == 1
    assert f"127.0.0.1:{port}" in said
    assert "--port 0" in said


def test_a_manifest_without_socket_mode_is_mentioned_at_the_start(tmp_path):
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    manifest["settings"]["socket_mode_enabled"] = False
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with serving("--manifest", str(path)) as facts:
        pass

    assert "apps.connections.open will be refused" in facts["stderr"]


async def test_the_options_reach_the_workspace(tmp_path):
    journal = tmp_path / "journal.jsonl"
    options = ["--channel", "payments", "--private-channel", "secret", "--rate-limits", "first_call", "--virtual-clock"]
    with serving(*options, "--journal", str(journal)) as facts:
        async with httpx.AsyncClient(trust_env=False, base_url=facts["page"]) as http:
            said = (await http.post("/_test/post", json={"user": "ana", "channel": "secret", "text": "x"})).json()
            call = {"url": "/api/chat.postMessage", "headers": {"authorization": f"Bearer {facts['SLACK_BOT_TOKEN']}"}}
            first = await http.post(**call, json={"channel": "payments", "text": "x"})
            second = await http.post(**call, json={"channel": "payments", "text": "x"})

    # The virtual clock starts on Monday 23 November 2026 at 09:00 UTC.
    assert said["ts"].startswith("1795424400.")
    assert (first.status_code, first.json()["error"]) == (429, "ratelimited")
    assert second.json()["ok"]
    kinds = [json.loads(line)["kind"] for line in journal.read_text(encoding="utf-8").splitlines()]
    assert kinds.count("call") == 2
    assert facts["SLACK_BOT_TOKEN"] not in journal.read_text(encoding="utf-8")


# Python tells an audit hook of every connection and every name look-up before it happens, whoever asks for it.
WATCHED = """
import sys
def watch(event, given):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen"):
        sys.stderr.write(f"OUTBOUND {event} {given[1:]!r}\\n")
sys.addaudithook(watch)
"""
WATCHED_SERVE = WATCHED + "from slackbox.cli import main; sys.exit(main(sys.argv[1:]))"
WATCHED_CALL = WATCHED + "import socket; socket.create_connection(('127.0.0.1', int(sys.argv[1]))).close()"


def web_client(facts, token):
    client = AsyncWebClient(token=facts[token], base_url=facts["SLACK_API_URL"])
    client.proxy = None
    return client


async def acknowledge_until_pressed(bot):
    """Take envelopes until a press comes. Returns its response address."""
    while True:
        frame = json.loads(await bot.recv())
        await bot.send(json.dumps({"envelope_id": frame["envelope_id"]}))
        if frame["type"] == "interactive":
            return frame["payload"]["response_url"]


async def use_everything(facts):
    """Links to unfurl, pictures to show, addresses in blocks, a response address: all of it stays on this machine."""
    client, text = web_client(facts, "SLACK_BOT_TOKEN"), "look at https://example.com/dashboard.png"
    opened = await web_client(facts, "SLACK_APP_TOKEN").apps_connections_open(app_token=facts["SLACK_APP_TOKEN"])
    async with (
        httpx.AsyncClient(trust_env=False, base_url=facts["page"], timeout=30) as http,
        websockets.connect(opened["url"], proxy=None) as bot,
    ):
        assert json.loads(await bot.recv())["type"] == "hello"
        pressed = asyncio.create_task(acknowledge_until_pressed(bot))
        for path in ("/", "/_page/state?user=ana", "/_test/state"):
            assert (await http.get(path)).status_code == 200
        for make in samples.MESSAGES.values():
            await client.chat_postMessage(channel="C0ALERTS", text=text, blocks=make(), unfurl_links=True)
        alert = {"channel": "alerts", "text": text, "attachments": [{"image_url": "https://example.com/a.png"}]}
        assert (await http.post("/_test/alert", json=alert)).status_code == 200
        sent = await client.chat_postMessage(channel="C0ALERTS", text="x", blocks=samples.hypothesis())
        press = {"user": "ana", "channel": "alerts", "ts": sent["ts"], "action_id": "review"}
        assert (await http.post("/_test/press", json=press)).json() == {"acked": True}
        assert (await http.post(await pressed, json={"text": "done"})).status_code == 200


@pytest.mark.slack_rule(35)
def test_a_serving_slackbox_never_opens_a_connection_or_looks_up_a_name():
    with serving(command=[sys.executable, "-c", WATCHED_SERVE, *SERVE[3:]]) as facts:
        called = subprocess.run(
            [sys.executable, "-c", WATCHED_CALL, str(port_of(facts))], capture_output=True, text=True, timeout=20
        )
        asyncio.run(use_everything(facts))

    assert "OUTBOUND socket.connect" in called.stderr, "the watch sees nothing, so its silence proves nothing"
    assert facts["stderr"] == ""
