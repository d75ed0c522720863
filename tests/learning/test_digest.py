"""The weekly eval digest, as people see it in Slack: when it comes, how often, and what it says."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from prometheus_client import generate_latest

from bot.bootstrap.reports import bind_reports
from bot.core.hypothesis import CauseClass
from bot.core.outcome import Grade, OutcomeForm, OutcomeSource
from bot.core.root_cause import Label
from bot.core.schedule import parse_weekly
from bot.flows.learning.note_content import note_content
from bot.flows.send_posts import send_next
from bot.ports import ClassifierRecord, ContentVersion
from bot.settings import Budgets, Config, McpServer
from bot.webhook import Metrics
from tests.learning.office import CHANNEL, open_office

DUE = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
"""A Monday; the office opens a week before it."""


async def graded(office, grade=Grade.EXACT):
    """An incident that went through, with its label."""
    incident = await office.incident()
    form = OutcomeForm(cause="the retry path leaks", cause_class=CauseClass.DEPLOY, grade=grade)
    await office.labels.record(Label(incident_id=incident, form=form, author="U0ANA", source=OutcomeSource.COMMAND))
    await office.send()
    return incident


async def tick(office):
    """What the scheduler does now and then; whether a digest was written."""
    written = await office.reports.post_if_due()
    await office.send()
    await office.reports.add_details()
    await office.send()
    return written


async def digests(office, channel=CHANNEL):
    """The digests in a channel, oldest first."""
    return [
        one
        for one in await office.box.messages(channel)
        if one.get("metadata", {}).get("event_type") == "aiops.digest" and one.get("thread_ts") in (None, one["ts"])
    ]


def words(message):
    return json.dumps(message["blocks"], ensure_ascii=False)


def buttons(message):
    found = [block.get("accessory") for block in message["blocks"]]
    return [one for one in found if one]


async def test_the_digest_is_posted_once_a_week_and_reports_on_the_week_before(office):
    await graded(office)
    await graded(office, Grade.WRONG)
    office.clock.at = DUE - timedelta(minutes=1)
    assert await tick(office) is False

    office.clock.at = DUE
    assert await tick(office) is True
    assert await tick(office) is False

    (shown,) = await digests(office)
    assert shown["blocks"][0]["text"]["text"].startswith("Helpful 50 % (1 of 2, 90 % interval ")
    assert "no baseline yet" in shown["blocks"][0]["text"]["text"]
    assert "Digest of 2026-W48*" in words(shown)
    assert "so far" not in words(shown)
    assert [block["title"] for block in shown["blocks"] if block["type"] == "data_visualization"] == [
        "Hypotheses a week, by what became of them"
    ]
    office.clock.at = DUE + timedelta(weeks=1)
    assert await tick(office) is True
    assert len(await digests(office)) == 2


@pytest.mark.parametrize("when", ["mon 08:00 Asia/Tokyo", "mon 09:00 Australia/Sydney", "mon 00:30 Europe/Berlin"])
async def test_east_of_utc_a_monday_digest_is_of_the_week_that_ended_there(slackbox, database_url, when):
    async with open_office(slackbox, database_url, digest=when) as office:
        await graded(office)
        office.clock.at = parse_weekly(when).this_week(datetime(2026, 12, 2, tzinfo=UTC)).astimezone(UTC)
        assert await tick(office) is True

        (shown,) = await digests(office)
        # In UTC that week has an hour or more to go, and it says so.
        assert "Digest of 2026-W48 so far*" in words(shown)
        assert shown["metadata"]["event_payload"]["operation"] == "digest:2026-W49"


async def test_the_details_stand_in_its_thread_once(office):
    await graded(office)
    office.clock.at = DUE
    await tick(office)
    await tick(office)

    (shown,) = await digests(office)
    _, *replies = await office.box.messages(CHANNEL, shown["ts"])

    assert [one["metadata"]["event_payload"]["operation"] for one in replies] == ["digest:2026-W49:details"]
    for title in ("Brier score", "Alert to hypothesis", "Approvals asked", "By class of alert", "Judge and people"):
        assert title in words(replies[0])


async def test_schedulers_that_wake_at_the_same_moment_post_one_digest(office):
    await graded(office)
    office.clock.at = DUE

    written = await asyncio.gather(*(office.reports.post_if_due() for _ in range(5)))
    await office.send()

    assert sorted(written) == [False] * 4 + [True]
    assert len(await digests(office)) == 1
    assert [row["action"] for row in await office.audit.tail(limit=100, action="digest")] == ["digest.made"]


async def test_a_digest_that_a_dead_sender_had_claimed_is_posted_by_another(office):
    await graded(office)
    office.clock.at = DUE
    await office.reports.post_if_due()
    async with office.store.transaction() as tx:
        claimed = await tx.claim_post(now=office.clock.now(), owner="dead", lease=timedelta(seconds=15))
    assert claimed.operation == "digest:2026-W49"
    await office.send()
    assert await digests(office) == []

    office.clock.pass_(seconds=16)
    await office.send()

    assert len(await digests(office)) == 1


async def test_a_digest_that_slack_took_before_its_sender_died_is_not_posted_again(office):
    await graded(office)
    office.clock.at = DUE
    await office.reports.post_if_due()
    async with office.store.transaction() as tx:
        claimed = await tx.claim_post(now=office.clock.now(), owner="dead", lease=timedelta(seconds=15))
    await office._chat.send(claimed)

    office.clock.pass_(seconds=16)
    await office.send()
    await tick(office)

    (shown,) = await digests(office)
    assert len(await office.box.messages(CHANNEL, shown["ts"])) == 2


async def test_while_slack_is_down_it_waits_and_is_posted_once_when_slack_is_back(office):
    await graded(office)
    office.clock.at = DUE
    await office.box.fault("chat.postMessage", "status", times=99, status=503)
    for _ in range(3):
        await tick(office)
        office.clock.pass_(minutes=2)
    assert await digests(office) == []

    await office.box.clear_faults()
    await tick(office)

    assert len(await digests(office)) == 1


async def test_a_digest_that_slack_refused_is_tried_again_in_the_same_week_less_and_less_often(office):
    await graded(office)
    office.clock.at = DUE
    await office.box.fault("chat.postMessage", "error", error="not_in_channel", times=99)
    assert await tick(office) is True
    tried = []
    for minute in range(0, 180, 5):
        office.clock.at = DUE + timedelta(minutes=minute)
        await tick(office)
        tried.append(len(await office.audit.tail(limit=100, action="post.refused")))
    assert await digests(office) == []
    # At once, after 10 minutes, then after 20, 40 and 80 more.
    assert tried[-1] == 5
    assert await office.audit.tail(limit=100, action="post.sent", target="digest:2026-W49") == []

    await office.box.clear_faults()
    office.clock.at = DUE + timedelta(hours=9)
    await tick(office)

    assert len(await digests(office)) == 1
    assert len(await office.audit.tail(limit=100, action="post.sent", target="digest:2026-W49")) == 1
    office.clock.at = DUE + timedelta(hours=20)
    await tick(office)
    assert len(await digests(office)) == 1


async def test_a_moment_that_passed_while_nothing_ran_is_made_up_for_in_the_same_week_only(office):
    await graded(office)

    office.clock.at = DUE + timedelta(weeks=1, days=3)
    assert await tick(office) is True
    assert await tick(office) is False

    (shown,) = await digests(office)
    assert "Digest of 2026-W49*" in words(shown)


async def test_a_bot_that_was_set_up_after_the_moment_waits_for_the_next(office):
    office.clock.at = DUE + timedelta(hours=1)
    await graded(office)

    assert await tick(office) is False

    office.clock.at = DUE + timedelta(weeks=1)
    assert await tick(office) is True


async def test_the_worst_miss_comes_first_with_a_link_to_its_thread_and_what_it_was(office):
    near = await graded(office, Grade.AREA)
    wrong = await graded(office, Grade.WRONG)
    office.clock.at = DUE
    await tick(office)

    (shown,) = await digests(office)
    (table,) = [block for block in shown["blocks"] if block["type"] == "data_table"]
    links = [row[0]["elements"][0]["elements"][0] for row in table["rows"][1:]]

    assert [one["text"] for one in links] == [wrong, near]
    assert all(one["type"] == "link" and f"/archives/{CHANNEL}/p" in one["url"] for one in links)
    assert [row[4]["text"] for row in table["rows"]] == ["It was", "the retry path leaks", "the retry path leaks"]


async def test_a_miss_is_corrected_from_its_row(office):
    wrong = await graded(office, Grade.WRONG)
    await graded(office, Grade.AREA)
    office.clock.at = DUE
    await tick(office)
    (shown,) = await digests(office)

    await office.box.press(user="U0ANA", channel=CHANNEL, ts=shown["ts"], action_id="label_outcome.1")
    view = (await office.box.open_views("U0ANA"))[-1]
    await office.submit(view, cause="the certificate expired")

    assert (await office.stands(wrong)).form.cause == "the certificate expired"


async def test_a_miss_is_corrected_from_its_line_where_slack_knows_no_data_table(office):
    wrong = await graded(office, Grade.WRONG)
    office.clock.at = DUE
    await office.box.fault("chat.postMessage", "error", error="invalid_blocks")
    await tick(office)
    (shown,) = await digests(office)

    assert [(one["action_id"], one["value"]) for one in buttons(shown)] == [("label_outcome.1", wrong)]
    await office.box.press(user="U0ANA", channel=CHANNEL, ts=shown["ts"], action_id="label_outcome.1")
    assert (await office.box.open_views("U0ANA"))[-1]["callback_id"] == "outcome_form"


async def test_label_next_opens_the_newest_incident_that_is_still_without_a_root_cause(office):
    older, newer = await office.incident(), await office.incident()
    office.clock.at = DUE
    await tick(office)
    (shown,) = await digests(office)

    for incident in (newer, older):
        await office.box.press(user="U0ANA", channel=CHANNEL, ts=shown["ts"], action_id="label_next")
        view = (await office.box.open_views("U0ANA"))[-1]
        await office.submit(view, cause="the disk was full")
        assert (await office.stands(incident)).form.cause == "the disk was full"
    await office.box.press(user="U0ANA", channel=CHANNEL, ts=shown["ts"], action_id="label_next")
    await office.whispered("Every incident that is over has its root cause recorded.")


async def test_view_details_tells_whoever_presses_it_alone(office):
    await graded(office)
    office.clock.at = DUE
    await tick(office)
    (shown,) = await digests(office)

    await office.box.press(user="U0ANA", channel=CHANNEL, ts=shown["ts"], action_id="digest_details")

    await office.whispered("Details of 2026-W48")
    await office.whispered("Mean model cost per incident")


async def test_what_the_scheduled_classifier_found_is_told(office):
    await graded(office)
    body = {
        "why": "It predicts better than the base rate by 0.060.",
        "told": ["misses concentrate in calls on payments"],
    }
    async with office.store.transaction() as tx:
        at = DUE - timedelta(days=2)
        await tx.add_classifier(
            ClassifierRecord(quarter="2026-Q4", trained_at=at, labels=96, shipped=True, scheduled=True, body=body)
        )
    office.clock.at = DUE
    await tick(office)

    (shown,) = await digests(office)
    _, details = await office.box.messages(CHANNEL, shown["ts"])
    line = "classifier of 2026-Q4 (96 labels) in use: It predicts better than the base rate by 0.060."
    assert line in words(shown)
    assert line in words(details)
    assert "misses concentrate in calls on payments" in words(details)
    assert (await office.reports.digest("2026-W47")).classifier == ()


async def test_the_label_button_of_an_incident_without_a_root_cause_opens_its_form(office):
    incident = await office.incident()
    office.clock.at = DUE
    await tick(office)
    (shown,) = await digests(office)

    assert [(one["action_id"], one["value"]) for one in buttons(shown)] == [("label_outcome", incident)]
    await office.box.press(user="U0ANA", channel=CHANNEL, ts=shown["ts"], action_id="label_outcome")
    view = (await office.box.open_views("U0ANA"))[-1]

    await office.submit(view, cause="the disk was full")
    assert (await office.stands(incident)).form.cause == "the disk was full"


async def test_the_command_posts_the_week_so_far_as_often_as_people_ask(office):
    await graded(office)

    told = office.box.box.workspace.ephemerals
    for asked in (1, 2):
        await office.box.command(user="U0ANA", channel="C0ALERTS", command="/aiops", text="digest")
        await office.box.wait_until(
            lambda asked=asked: True if sum("so far follows here" in json.dumps(one) for one in told) == asked else None
        )
        office.clock.pass_(seconds=5)
        await office.send()

    shown = await digests(office, "C0ALERTS")
    assert len(shown) == 2
    assert all("Digest of 2026-W48 so far*" in words(one) for one in shown)
    assert await digests(office) == []


async def test_the_digest_of_the_week_does_not_count_as_posted_when_somebody_asks(office):
    await graded(office)
    office.clock.at = DUE - timedelta(hours=1)
    await office.reports.post_now(CHANNEL, "U0ANA")
    office.clock.at = DUE

    assert await tick(office) is True


async def test_without_anything_to_report_it_is_one_honest_sentence(office):
    await office.reports.note_content()
    office.clock.at = DUE
    assert await tick(office) is True

    (shown,) = await digests(office)

    assert [block["type"] for block in shown["blocks"]] == ["section", "context"]
    assert "Nothing to report for 2026-W48: no hypothesis was posted in the last 12 weeks" in words(shown)
    assert len(await office.box.messages(CHANNEL, shown["ts"])) == 1


async def test_where_slack_refuses_native_charts_the_digest_holds_a_picture_and_the_words(office):
    await graded(office)
    office.clock.at = DUE
    await office.box.fault("chat.postMessage", "error", error="invalid_blocks")
    await tick(office)

    (shown,) = await digests(office)
    (image,) = [block for block in shown["blocks"] if block["type"] == "image"]
    file = office.box.box.workspace.files[image["slack_file"]["id"]]

    assert file.state == "complete"
    assert file.data.startswith(b"\x89PNG\r\n\x1a\n")
    assert "W48: helpful 1, missed 0, abstained 0, harmful 0" in image["alt_text"]
    assert "W48: helpful 1, missed 0, abstained 0, harmful 0" in words(shown)
    assert {block["type"] for block in shown["blocks"]} <= {"header", "section", "context", "image", "actions"}


@pytest.mark.parametrize(
    "faults", [[("files.getUploadURLExternal", "missing_scope")], [("chat.postMessage", "invalid_blocks")]]
)
async def test_where_the_picture_cannot_be_shown_either_the_words_stand_alone(office, faults):
    await graded(office)
    office.clock.at = DUE
    await office.box.fault("chat.postMessage", "error", error="invalid_blocks")
    for method, error in faults:
        await office.box.fault(method, "error", error=error)
    await tick(office)

    (shown,) = await digests(office)

    assert {block["type"] for block in shown["blocks"]} <= {"header", "section", "context", "actions"}
    assert "W48: helpful 1" in words(shown)


def version(name, number, at, kind="prompt"):
    return ContentVersion(kind=kind, name=name, version=str(number), sha256=f"{name}{number}", seen_at=at)


async def test_content_that_came_to_work_is_noted_once_and_told_as_a_change(office):
    before = office.clock.now()
    first = [version("triage", 3, before), version("judge", 1, before)]
    assert len(await note_content(first, store=office.store, clock=office.clock)) == 2
    assert await note_content(first, store=office.store, clock=office.clock) == []
    await graded(office)
    office.clock.at = DUE + timedelta(days=1)
    later = version("triage", 4, office.clock.now())
    assert await note_content([*first, later], store=office.store, clock=office.clock) == [later]
    entries = await office.audit.tail(limit=10, action="content")
    assert [row["detail"]["new"] for row in entries] == [
        ["prompt triage 4 triage4"],
        ["prompt triage 3 triage3", "prompt judge 1 judge1"],
    ]

    assert (await office.reports.digest("2026-W48")).changes == ("2 prompts noted for the first time",)
    assert (await office.reports.digest("")).changes == ("prompt triage 4 (before: 3)",)


async def test_what_is_at_work_is_noted_from_the_prompts_runbooks_and_model(office):
    noted = await office.reports.note_content()

    assert {(one.kind, one.name) for one in noted} >= {("prompt", "triage"), ("model", "offline analyst")}
    assert await office.reports.note_content() == []


async def test_the_metrics_are_the_digests_numbers(office):
    await graded(office)
    await graded(office, Grade.WRONG)
    await office.incident()
    metrics = Metrics()
    assert b"aiops_helpful_ratio" not in generate_latest(metrics.registry)

    metrics.numbers.show(await office.reports.digest(""))
    shown = generate_latest(metrics.registry).decode()

    assert "\naiops_helpful_ratio 0.5\n" in shown
    assert "\naiops_helpful_ratio_n 2.0\n" in shown
    assert "\naiops_hypotheses 3.0\n" in shown
    assert "\naiops_incidents_unlabelled 1.0\n" in shown
    assert "\naiops_helpful_baseline_ratio 0" not in shown
    assert "\naiops_helpful_baseline_ratio_n 0.0\n" in shown


async def test_a_stopped_and_started_bot_does_not_post_the_week_again(slackbox, database_url):
    async with open_office(slackbox, database_url) as office:
        await graded(office)
        office.clock.at = DUE
        assert await tick(office) is True
    async with open_office(slackbox, database_url) as office:
        office.clock.at = DUE + timedelta(days=2)
        assert await tick(office) is False
        assert not await send_next(
            store=office.store, chat=office._chat, clock=office.clock, owner="me", lease=timedelta(seconds=15)
        )
        assert len(await digests(office)) == 1


async def test_a_changed_configuration_is_a_change_of_what_is_at_work_and_a_new_token_is_none(office):
    def serve(**config):
        server = McpServer(url="http://tools.example/mcp", headers={"Authorization": config.pop("token", "Bearer a1")})
        settings = SimpleNamespace(
            **{**vars(office.settings), "config": Config(postmortems=(), mcpServers={"tools": server}, **config)}
        )
        return bind_reports(settings, office.hands).note_content()

    assert "config" in {one.kind for one in await serve()}
    assert await serve() == []
    assert await serve(token="Bearer b2") == []
    (changed,) = await serve(budgets=Budgets(runs_per_hour=1))

    assert (changed.kind, changed.name) == ("config", "aiops.yaml")
    (entry, *_) = await office.audit.tail(limit=1, action="content.changed")
    assert entry["detail"]["new"] == [f"config aiops.yaml {changed.version} {changed.sha256[:12]}"]
