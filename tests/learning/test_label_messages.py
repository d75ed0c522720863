"""Replies that are edited, deleted, misplaced, empty, enormous, by bots, or written while the bot was away."""

import json

import pytest

from bot.core.root_cause import CAUSE_LIMIT
from tests.learning.office import CHANNEL, open_office

CAUSE = "the pool is too small"
NEW = "the pool is too small since 4.12.0"


async def test_an_edited_message_offers_the_new_words_and_one_press_takes_them_over(office, slackbox):
    incident = await office.incident()
    ts = await office.reply(incident, f"root cause: {CAUSE}")

    await slackbox.edit(user="U0ANA", channel=CHANNEL, ts=ts, text=f"root cause: {NEW}")
    await office.handle()

    operation = f"{incident}:outcome:edit:{CHANNEL}:{ts}"
    assert NEW in await office.message(incident, operation)
    assert [one.form.cause for one in await office.versions(incident)] == [CAUSE]

    press = await office.ts_of(incident, operation)
    for _ in range(2):
        await slackbox.press(user="U0BEN", channel=CHANNEL, ts=press, action_id="take_over_outcome")

    await office.whispered("recorded already", "U0BEN")
    first, second = await office.recorded(incident, 2)
    assert (first.form.cause, second.form.cause, second.author) == (CAUSE, NEW, "U0BEN")
    assert first.message == second.message
    assert "brought up to date" in await office.message(incident, operation)


async def test_the_offer_survives_a_restart_of_the_bot(slackbox, database_url):
    async with open_office(slackbox, database_url) as office:
        incident = await office.incident()
        ts = await office.reply(incident, f"root cause: {CAUSE}")
        await slackbox.edit(user="U0ANA", channel=CHANNEL, ts=ts, text=f"root cause: {NEW}")
        await office.handle()

    async with open_office(slackbox, database_url) as office:
        await office.press(incident, f"{incident}:outcome:edit:{CHANNEL}:{ts}", "take_over_outcome")
        assert (await office.recorded(incident, 2))[-1].form.cause == NEW


async def test_an_edit_that_is_taken_back_withdraws_the_offer(office, slackbox):
    incident = await office.incident()
    ts = await office.reply(incident, f"root cause: {CAUSE}")
    for text in (NEW, CAUSE):
        await slackbox.edit(user="U0ANA", channel=CHANNEL, ts=ts, text=f"root cause: {text}")
        await office.handle()

    shown = await office.message(incident, f"{incident}:outcome:edit:{CHANNEL}:{ts}")
    assert "reads as it was recorded again" in shown
    assert "take_over_outcome" not in shown
    assert len(await office.versions(incident)) == 1


async def test_a_typing_error_that_is_mended_by_an_edit_is_recorded(office, slackbox):
    incident = await office.incident()
    ts = await office.reply(incident, f"rot cause: {CAUSE}")
    assert await office.versions(incident) == []

    await slackbox.edit(user="U0ANA", channel=CHANNEL, ts=ts, text=f"root cause: {CAUSE}")
    await office.handle()

    assert (await office.stands(incident)).form.cause == CAUSE


async def test_a_deleted_message_is_marked_and_the_label_stands(office, slackbox):
    incident = await office.incident()
    ts = await office.reply(incident, f"root cause: {CAUSE}")

    await slackbox.delete(user="U0ANA", channel=CHANNEL, ts=ts)
    await office.handle()

    (version,) = await office.versions(incident)
    assert (version.form.cause, version.message_deleted) == (CAUSE, True)
    assert "the message was deleted, the record stands" in (await office.shown(incident))[0]
    assert await office.actions(incident) == ["outcome.recorded", "outcome.message_deleted"]


async def test_other_edits_and_deletions_are_nobodys_business(office, slackbox):
    incident = await office.incident()
    ts = await office.reply(incident, "looking")
    await slackbox.edit(user="U0ANA", channel=CHANNEL, ts=ts, text="looking at it")
    await slackbox.delete(user="U0ANA", channel=CHANNEL, ts=ts)
    await office.handle()

    assert await office.versions(incident) == []
    assert await office.whispers() == []


@pytest.mark.parametrize("in_thread", [True, False])
async def test_a_root_cause_outside_an_incidents_thread_is_told_where_it_belongs(office, slackbox, in_thread):
    await office.incident()
    thread = await slackbox.post(user="U0BEN", channel="C0DIGEST", text="lunch?") if in_thread else None
    await slackbox.post(user="U0ANA", channel="C0DIGEST", text=f"root cause: {CAUSE}", thread_ts=thread)
    await slackbox.post(user="U0ANA", channel="C0DIGEST", text="the cause is the root", thread_ts=thread)
    await office.handle()

    (told,) = await office.whispers()
    assert "is recorded from a reply in an incident's thread" in told


async def test_what_another_bot_says_is_no_root_cause(office, slackbox):
    incident = await office.incident()
    await slackbox.alert(channel=CHANNEL, text=f"root cause: {CAUSE}", thread_ts=await office.thread_ts(incident))
    await office.handle()

    assert await office.versions(incident) == []
    assert await office.whispers() == []


async def test_a_root_cause_without_words_asks_for_them(office):
    incident = await office.incident()
    await office.reply(incident, "root cause: ")

    assert await office.versions(incident) == []
    (told,) = await office.whispers()
    assert "Say what it was" in told


async def test_the_same_words_again_change_nothing(office):
    incident = await office.incident()
    await office.reply(incident, f"root cause: {CAUSE}")
    await office.reply(incident, f"Root cause - {CAUSE}", user="U0BEN")

    assert len(await office.versions(incident)) == 1


async def test_an_enormous_root_cause_is_capped_and_the_author_is_told(office):
    incident = await office.incident()
    await office.reply(incident, "root cause: " + "words and words " * 400)

    assert len((await office.stands(incident)).form.cause) == CAUSE_LIMIT
    (told,) = await office.whispers()
    assert f"the first {CAUSE_LIMIT:,} characters" in told


async def test_secrets_are_masked_before_anything_is_stored(office, database_url):
    import psycopg

    secret = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
    incident = await office.incident()
    await office.reply(incident, f"root cause: the key {secret} had expired, see https://x.example/?token={secret}")

    with psycopg.connect(database_url) as connection:
        rows = connection.execute("select form::text from aiops.outcome union select content::text from aiops.post")
        audit = connection.execute("select detail::text from aiops.aiops_audit")
        stored = [*rows.fetchall(), *audit.fetchall()]
    assert "[api-key:" in (await office.stands(incident)).form.cause
    assert [row for row in stored if row[0] and secret in row[0]] == []


async def test_hostile_words_ping_nobody(office):
    incident = await office.incident()
    await office.reply(incident, "root cause: <!channel> <@U0BEN> &lt;!here&gt; *bold* `code`")

    for shown in await office.shown(incident):
        text = json.loads(shown) | {"metadata": {}}
        assert "<!" not in json.dumps(text).replace("<!date", "")
        assert "<@U0BEN>" not in json.dumps(text)


async def test_what_was_written_while_the_bot_was_away_is_found_in_the_thread(slackbox, database_url):
    async with open_office(slackbox, database_url) as office:
        incident = await office.incident()
        open_incident = await office.incident(over=False)
        threads = [await office.thread_ts(one) for one in (incident, open_incident)]
    bot = slackbox.box.workspace.names.bot_user
    await slackbox.kick(user=bot, channel=CHANNEL)
    # No event is sent of what is said while the bot is not in the channel.
    for thread in threads:
        await slackbox.post(user="U0ANA", channel=CHANNEL, text="hm", thread_ts=thread)
        await slackbox.post(user="U0ANA", channel=CHANNEL, text=f"root cause: {CAUSE}", thread_ts=thread)
    slackbox.box.workspace.get_channel(CHANNEL).members.add(bot)

    async with open_office(slackbox, database_url) as office:
        await office.handle()
        for one in (incident, open_incident):
            assert (await office.stands(one)).form.cause == CAUSE
        await office.catch_up.run()
        await office.handle()
        assert len(await office.versions(incident)) == 1


async def test_what_was_edited_or_deleted_while_the_bot_was_away_is_caught_up(slackbox, database_url):
    async with open_office(slackbox, database_url) as office:
        edited, deleted = await office.incident(), await office.incident()
        first, second = [await office.reply(one, f"root cause: {CAUSE}") for one in (edited, deleted)]
    bot = slackbox.box.workspace.names.bot_user
    await slackbox.kick(user=bot, channel=CHANNEL)
    await slackbox.edit(user="U0ANA", channel=CHANNEL, ts=first, text=f"root cause: {NEW}")
    await slackbox.delete(user="U0ANA", channel=CHANNEL, ts=second)
    slackbox.box.workspace.get_channel(CHANNEL).members.add(bot)

    async with open_office(slackbox, database_url) as office:
        await office.handle()

        assert NEW in await office.message(edited, f"{edited}:outcome:edit:{CHANNEL}:{first}")
        assert (await office.stands(deleted)).message_deleted
        assert not (await office.stands(edited)).message_deleted


async def test_slack_refusing_the_private_sentence_loses_nothing(office, slackbox):
    incident = await office.incident()
    await slackbox.fault("chat.postEphemeral", "error", error="channel_not_found", times=1)
    await slackbox.fault("chat.getPermalink", "status", status=503, times=1)
    await office.reply(incident, "root cause: " + "words " * 900)

    (version,) = await office.versions(incident)
    assert version.message is not None
    assert version.message.permalink == ""
    assert version.form.cause.startswith("words words")
