"""Rule 31: announcing, sending, completing, sharing, fetching and deleting files."""

import httpx
import pytest

from tests.slackbox.helpers import client_of
from tests.slackbox.rules.office import ask, manifest_of, office

DATA = b"line one\nline two\n"
ALERTS = {"channel_id": "C0ALERTS"}


async def announce(desk, **more):
    return await desk.ok("files.getUploadURLExternal", **{"filename": "log.txt", "length": len(DATA), **more})


async def send(url, data=DATA, **request):
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(url, **(request or {"content": data}))


async def uploaded(desk, **more):
    """A file whose bytes have arrived; its id."""
    announced = await announce(desk, **more)
    assert (await send(announced["upload_url"])).status_code == 200
    return announced["file_id"]


async def fetch(url, token=None):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url, headers=headers)


@pytest.mark.slack_rule(31)
async def test_as_many_bytes_must_come_as_were_announced_and_only_once():
    async with office() as desk:
        announced = await announce(desk)
        url, file = announced["upload_url"], {"id": announced["file_id"]}
        for wrong in (DATA[:-1], DATA + b"!", b""):
            assert (await send(url, wrong)).status_code == 400
            assert await desk.code("files.completeUploadExternal", files=[file]) == "file_not_found"
        assert (await send(url)).status_code == 200
        assert (await send(url)).status_code == 404
        assert (await send(url.replace("ticket=", "ticket=x"))).status_code == 404
        assert (await fetch(url)).status_code == 404
        await desk.ok("files.completeUploadExternal", files=[file])


@pytest.mark.slack_rule(31)
async def test_a_form_with_one_file_is_an_upload_too():
    async with office() as desk:
        announced = await announce(desk)
        sent = await send(announced["upload_url"], files={"file": ("log.txt", DATA)})
        assert sent.status_code == 200
        done = await desk.ok("files.completeUploadExternal", files=[{"id": announced["file_id"]}])
        assert (await fetch(done["files"][0]["url_private"], desk.box.bot_token)).content == DATA


@pytest.mark.slack_rule(31)
async def test_nothing_can_be_completed_before_its_bytes_or_twice():
    async with office() as desk:
        file = {"id": (await announce(desk))["file_id"]}
        assert await desk.code("files.completeUploadExternal", files=[file], **ALERTS) == "file_not_found"
        assert await desk.code("files.completeUploadExternal", files=[{"id": "F0GHOST"}]) == "file_not_found"
        assert await desk.code("files.completeUploadExternal", files=[]) == "invalid_arguments"
        good = {"id": await uploaded(desk)}
        assert await desk.code("files.completeUploadExternal", files=[good, file], **ALERTS) == "file_not_found"
        assert await desk.box.messages("alerts") == []
        await desk.ok("files.completeUploadExternal", files=[good], **ALERTS)
        assert await desk.code("files.completeUploadExternal", files=[good], **ALERTS) == "file_not_found"
        assert len(await desk.box.messages("alerts")) == 1


@pytest.mark.slack_rule(31)
@pytest.mark.parametrize(
    ("args", "code"),
    [
        ({"length": 0}, "missing_argument"),
        ({"length": -1}, "invalid_arguments"),
        ({"length": "many"}, "invalid_arguments"),
        ({"filename": ""}, "invalid_arguments"),
        ({"alt_txt": "x" * 1_001}, "alt_txt_too_large"),
        ({"snippet_type": "text", "length": 1_000_001}, "snippet_too_large"),
    ],
)
async def test_what_is_announced_must_be_possible(args, code):
    async with office() as desk:
        given = {"filename": "log.txt", "length": 10, **args}
        assert await desk.code("files.getUploadURLExternal", **given) == code
        await announce(desk, alt_txt="x" * 1_000)


@pytest.mark.slack_rule(31)
async def test_a_completed_file_is_shared_in_a_thread_and_the_app_hears_of_it():
    async with office() as desk:
        parent = await desk.box.post(user="ana", channel="alerts", text="logs please")
        files = [{"id": await uploaded(desk), "title": "Log"}, {"id": await uploaded(desk)}]
        args = {**ALERTS, "thread_ts": parent, "initial_comment": "Here & now"}
        done = await desk.ok("files.completeUploadExternal", files=files, **args)
        assert [each["title"] for each in done["files"]] == ["Log", "log.txt"]
        (_, shown) = await desk.box.messages("alerts", parent)
        assert (shown["subtype"], shown["text"]) == ("file_share", "Here &amp; now")
        assert [each["id"] for each in shown["files"]] == [each["id"] for each in files]
        shared = await desk.events("file_shared")
        assert [(each["file_id"], each["channel_id"]) for each in shared] == [
            (each["id"], "C0ALERTS") for each in files
        ]
        info = (await desk.ok("files.info", file=files[0]["id"]))["file"]
        assert (info["size"], info["mimetype"], info["channels"]) == (len(DATA), "text/plain", ["C0ALERTS"])
        assert info["shares"]["C0ALERTS"][0]["ts"] == shown["ts"]


@pytest.mark.slack_rule(31)
async def test_a_file_is_shared_only_where_the_bot_may_write():
    async with office(private_channels=("secret",)) as desk:
        for channel in ("digest", "secret"):
            await desk.box.kick(user="aiops", channel=channel)
        await desk.box.archive(user="ana", channel="incidents")
        files = [{"id": await uploaded(desk)}]

        async def code(**args):
            return await desk.code("files.completeUploadExternal", files=files, **args)

        assert await code(channel_id="C0DIGEST") == "not_in_channel"
        assert await code(channel_id="C0SECRET") == "channel_not_found"
        assert await code(channel_id="C0INCIDENTS") == "posting_to_channel_denied"
        assert await code(channel_id="C0ALERTS", thread_ts="1.000001") == "thread_not_found"
        assert await code(channels="C0ALERTS,C0DIGEST") == "not_in_channel"
        assert await code(thread_ts="1.000001") == "invalid_arguments"
        assert await code(channels=",".join(f"C{n}" for n in range(101))) == "channels_limit_exceeded"
        assert await desk.box.messages("alerts") == []
        private = await desk.ok("files.completeUploadExternal", files=files)
        assert private["files"][0]["channels"] == []


@pytest.mark.slack_rule(31)
async def test_a_download_needs_the_bearer_token_and_the_scope():
    async with office() as desk:
        done = await desk.ok("files.completeUploadExternal", files=[{"id": await uploaded(desk)}], **ALERTS)
        url = done["files"][0]["url_private"]
        assert (await fetch(url, desk.box.bot_token)).content == DATA
        for token in (None, "xoxb-nobody", desk.box.app_token):
            answer = await fetch(url, token)
            assert (answer.status_code, DATA in answer.content) == (302, False)
        assert len(desk.box.violations("file_fetched_without_token")) == 3
    async with office(manifest=manifest_of(without={"files:read"})) as desk:
        done = await desk.ok("files.completeUploadExternal", files=[{"id": await uploaded(desk)}], **ALERTS)
        answer = await fetch(done["files"][0]["url_private"], desk.box.bot_token)
        assert (answer.status_code, answer.text) == (403, "missing_scope")


@pytest.mark.slack_rule(31)
async def test_a_deleted_file_is_gone_and_leaves_a_tombstone():
    async with office() as desk:
        done = await desk.ok("files.completeUploadExternal", files=[{"id": await uploaded(desk)}], **ALERTS)
        file = done["files"][0]
        await desk.ok("files.delete", file=file["id"])
        for method in ("files.info", "files.delete"):
            assert await desk.code(method, file=file["id"]) == "file_deleted"
            assert await desk.code(method, file="F0GHOST") == "file_not_found"
        assert (await fetch(file["url_private"], desk.box.bot_token)).status_code == 404
        assert (await desk.box.messages("alerts"))[0]["files"] == [{"id": file["id"], "mode": "tombstone"}]
        assert [each["file_id"] for each in await desk.events("file_deleted")] == [file["id"]]
        assert (await desk.ok("files.list"))["files"] == []


@pytest.mark.slack_rule(31)
async def test_a_persons_file_is_heard_of_read_and_not_deleted_by_the_bot():
    async with office() as desk:
        shared = await desk.box.share_file(user="ana", channel="alerts", filename="trace.txt", text="boom")
        (event,) = await desk.events("file_shared")
        (message,) = await desk.events("message", subtype="file_share")
        assert (event["file_id"], event["user_id"]) == (shared["file"], "U0ANA")
        url = message["files"][0]["url_private_download"]
        assert (await fetch(url, desk.box.bot_token)).content == b"boom"
        assert await desk.code("files.delete", file=shared["file"]) == "cant_delete_file"
        listed = await desk.ok("files.list", user="U0ANA", channel="C0ALERTS", count=1)
        assert [each["id"] for each in listed["files"]] == [shared["file"]]
        assert listed["paging"] == {"count": 1, "total": 1, "page": 1, "pages": 1}


@pytest.mark.slack_rule(31)
async def test_the_old_way_to_upload_is_switched_off_and_the_official_client_uses_the_new_one():
    async with office() as desk:
        answer = await ask(desk.box, "files.upload", token=desk.box.bot_token, data={"content": "x"})
        assert answer.json()["error"] == "method_deprecated"
        assert desk.box.violations("method_deprecated")
        sent = await client_of(desk.box).files_upload_v2(channel="C0ALERTS", content="hello", filename="a.txt")
        assert sent["file"]["size"] == 5
        assert (await desk.box.messages("alerts"))[0]["files"][0]["name"] == "a.txt"
