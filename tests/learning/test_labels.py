"""Recording the actual root cause, as people do it in Slack."""

import json

import pytest

from bot.core.hypothesis import CauseClass
from bot.core.outcome import Grade, GradedBy, OutcomeForm, OutcomeSource
from tests.learning.office import CHANNEL

CAUSE = "checkout 2.31 leaks connections in its retry path"


async def test_when_an_incident_is_over_its_thread_is_asked_once(office):
    incident = await office.incident()

    assert await office.sweep() == 1
    assert await office.sweep() == 0

    asked = await office.message(incident, f"{incident}:outcome")
    assert "What was the actual root cause?" in asked
    assert "payments 4.12.0 leaks database connections" in asked
    assert await office.actions(incident) == ["outcome.asked"]


async def test_an_incident_that_still_burns_is_not_asked_about(office):
    await office.incident(over=False)

    assert await office.sweep() == 0


@pytest.mark.parametrize(
    "text", [f"root cause: {CAUSE}", f"Root Cause - {CAUSE}", f"*ROOT CAUSE:* {CAUSE}", f"root cause:\n{CAUSE}"]
)
async def test_a_reply_in_the_thread_is_recorded_and_takes_the_questions_place(office, text):
    incident = await office.incident()
    await office.sweep()

    ts = await office.reply(incident, text)

    (version,) = await office.versions(incident)
    assert version.form.cause == CAUSE
    assert (version.author, version.source) == ("U0ANA", OutcomeSource.REPLY)
    assert version.message is not None
    assert (version.message.channel, version.message.ts) == (CHANNEL, ts)
    assert version.message.permalink
    record, card, alert = await office.shown(incident)
    assert "What was the actual root cause?" not in record
    for shown in (record, card, alert):
        assert CAUSE in shown
    assert "<@U0ANA>" in card
    assert await office.actions(incident) == ["outcome.asked", "outcome.recorded"]


async def test_a_mention_of_the_bot_with_the_words_is_a_reply_too_and_of_somebody_else_is_not(office, slackbox):
    incident = await office.incident()
    bot = slackbox.box.workspace.names.bot_user

    await office.reply(incident, f"<@U0BEN> root cause: is it the {CAUSE}?")
    assert await office.versions(incident) == []

    await office.reply(incident, f"<@{bot}> Root cause: {CAUSE}")
    assert [one.form.cause for one in await office.versions(incident)] == [CAUSE]


async def test_a_label_may_come_before_the_end_and_then_nobody_is_asked(office):
    incident = await office.incident(over=False)
    await office.reply(incident, f"root cause: {CAUSE}")

    assert CAUSE in (await office.shown(incident))[0]
    assert await office.sweep() == 0


async def test_a_redelivered_event_and_the_shortcut_on_the_same_message_make_one_version(office, slackbox):
    incident = await office.incident()
    await slackbox.fault("events", "duplicate")
    ts = await office.reply(incident, f"root cause: {CAUSE}")

    await slackbox.shortcut(user="U0BEN", channel=CHANNEL, ts=ts, callback_id="record_root_cause")
    (view,) = await slackbox.open_views("U0BEN")
    assert CAUSE in json.dumps(view)
    answer = await office.submit(view, user="U0BEN")

    assert "nothing was changed" in json.dumps(answer)
    assert len(await office.versions(incident)) == 1


async def test_what_was_recorded_by_the_shortcut_is_not_recorded_again_by_a_late_event(office, slackbox):
    incident = await office.incident()
    thread = await office.thread_ts(incident)
    # The event waits in the inbox while the shortcut is used.
    ts = await slackbox.post(user="U0ANA", channel=CHANNEL, text=f"root cause: {CAUSE}", thread_ts=thread)
    await slackbox.settle()
    await slackbox.shortcut(user="U0ANA", channel=CHANNEL, ts=ts, callback_id="record_root_cause")
    (view,) = await slackbox.open_views("U0ANA")
    await office.submit(view, grade="65")
    await office.handle()

    (version,) = await office.versions(incident)
    assert (version.source, version.grade, version.graded_by) == (
        OutcomeSource.SHORTCUT,
        Grade.NEAR,
        GradedBy.PERSON,
    )


async def test_the_shortcut_takes_any_message_of_the_thread_without_its_prefix(office, slackbox):
    incident = await office.incident()
    ts = await office.reply(incident, "it was the certificate &amp; nothing else")

    await slackbox.shortcut(user="U0ANA", channel=CHANNEL, ts=ts, callback_id="record_root_cause")
    (view,) = await slackbox.open_views("U0ANA")
    await office.submit(view)

    version = await office.stands(incident)
    assert version.form.cause == "it was the certificate & nothing else"
    assert version.message is not None
    assert version.message.ts == ts


async def test_the_shortcut_outside_an_incident_says_so(office, slackbox):
    ts = await slackbox.post(user="U0ANA", channel=CHANNEL, text="lunch?")
    await slackbox.shortcut(user="U0ANA", channel=CHANNEL, ts=ts, callback_id="record_root_cause")

    await office.whispered("not in an incident's thread")


async def test_the_form_is_prefilled_from_the_hypothesis_and_records_everything(office):
    incident = await office.incident()
    await office.sweep()

    view = await office.open_form(incident)
    assert '"value": "deploy"' in json.dumps(view)
    assert '"initial_value": "payments"' in json.dumps(view)
    await office.submit(
        view,
        cause=CAUSE,
        cause_class="capacity",
        component="ledger-db",
        change_id="chg-900",
        grade="35",
        fixed_by="a bigger pool",
        fix_worked="no",
        links="https://handbook.example/1\n\nhttps://handbook.example/2",
    )

    version = await office.stands(incident)
    assert version.form == OutcomeForm(
        cause=CAUSE,
        cause_class=CauseClass.CAPACITY,
        component="ledger-db",
        change_id="chg-900",
        grade=Grade.AREA,
        fixed_by="a bigger pool",
        fix_worked=False,
        links=("https://handbook.example/1", "https://handbook.example/2"),
    )
    record, card, alert = await office.shown(incident)
    assert "right area, wrong diagnosis" in record
    for shown in (card, alert):
        assert "*Corrected* by <@U0ANA>" in shown
        assert CAUSE in shown


async def test_a_confirmed_hypothesis_says_by_whom(office):
    incident = await office.incident()
    await office.sweep()

    await office.submit(await office.open_form(incident), cause=CAUSE, grade="100")

    _, card, alert = await office.shown(incident)
    assert "*Confirmed* by <@U0ANA>" in card
    assert "*Confirmed* by <@U0ANA>" in alert
    assert "Likely cause:*" not in alert


async def test_a_correction_keeps_the_history_and_starts_from_what_stands(office):
    incident = await office.incident()
    await office.reply(incident, f"root cause: {CAUSE}")

    view = await office.open_form(incident, user="U0BEN")
    assert CAUSE in json.dumps(view)
    await office.submit(view, user="U0BEN", cause="the pool was too small", grade="0")

    first, second = await office.versions(incident)
    assert (first.form.cause, second.form.cause) == (CAUSE, "the pool was too small")
    record, card, _ = await office.shown(incident)
    assert "version 2" in record
    assert "*Corrected* by <@U0BEN>: the pool was too small" in card
    assert await office.actions(incident) == ["outcome.recorded", "outcome.corrected"]


async def test_a_fresh_look_leaves_the_record_on_the_card(office):
    incident = await office.incident()
    await office.submit(await office.open_form(incident, operation="hypothesis"), cause=CAUSE, grade="100")

    await office.look_again(incident)

    assert "*Confirmed* by <@U0ANA>" in (await office.shown(incident))[1]


async def test_only_the_first_hypothesis_is_graded(office):
    from tests.slack import samples

    incident = await office.incident()
    office.agent.assessment = samples.assessment(
        hypotheses=(samples.leader(title="the other one", suspect=None, cause_class=CauseClass.EXTERNAL),)
    )
    await office.look_again(incident)
    await office.submit(
        await office.open_form(incident, operation="hypothesis"), cause=CAUSE, component="payments", change_id="chg-881"
    )

    version = await office.stands(incident)
    assert (version.grade, version.graded_by) == (Grade.EXACT, GradedBy.MATCH)
    assert "payments 4.12.0 leaks database connections" in (await office.shown(incident))[0]


async def test_what_the_form_had_filled_in_confirms_nothing_by_itself(office):
    incident = await office.incident()
    await office.submit(
        await office.open_form(incident, operation="hypothesis"), cause="an expired certificate at the provider"
    )

    version = await office.stands(incident)
    assert (version.form.cause_class, version.form.component) == (CauseClass.DEPLOY, "payments")
    assert version.grade is None
    assert "not graded" in (await office.shown(incident))[0]


async def test_no_root_cause_established_is_a_label_and_no_miss(office):
    incident = await office.incident()
    await office.sweep()

    view = await office.open_form(incident)
    await office.submit(view, established=["none"])

    version = await office.stands(incident)
    assert (version.form.established, version.grade) == (False, None)
    record, card, _ = await office.shown(incident)
    assert "No root cause established" in record
    assert "No root cause established" in card
    async with office.store.transaction() as tx:
        (call,) = await tx.calls()
    assert not call.counted


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"cause": ""}, "cause", "Say what the cause was"),
        ({"cause": CAUSE, "links": "see the wiki"}, "links", "see the wiki is not a web address"),
        ({"cause": CAUSE, "established": ["none"], "grade": "0"}, "grade", "nothing to compare with"),
    ],
)
async def test_what_is_wrong_is_shown_at_its_field_and_the_form_stays(office, slackbox, values, field, told):
    incident = await office.incident()
    await office.sweep()

    answer = await office.submit(await office.open_form(incident), **values)

    assert told in answer["errors"][field]
    assert await office.versions(incident) == []
    assert values["cause"] in json.dumps(await slackbox.views("U0ANA"))


async def test_while_the_database_is_away_the_form_says_so_and_keeps_what_was_typed(office, slackbox, monkeypatch):
    incident = await office.incident()
    await office.sweep()
    view = await office.open_form(incident)
    pool = office.store._pool
    await pool.close()

    answer = await slackbox.submit(user="U0ANA", view_id=view["id"], values={"cause": {"cause": CAUSE}})

    assert "Not recorded: The database is away" in answer["errors"]["cause"]
    assert CAUSE in json.dumps(await slackbox.views("U0ANA"))


async def test_a_form_for_an_incident_that_is_not_there_says_so_in_its_field(office, slackbox, database_url):
    import psycopg

    incident = await office.incident()
    await office.sweep()
    view = await office.open_form(incident)
    with psycopg.connect(database_url) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("delete from aiops.incident")

    answer = await slackbox.submit(user="U0ANA", view_id=view["id"], values={"cause": {"cause": CAUSE}})

    assert f"There is no incident {incident}" in answer["errors"]["cause"]


async def test_a_button_of_an_incident_that_is_not_there_opens_a_sentence(office, slackbox, database_url):
    import psycopg

    incident = await office.incident()
    await office.sweep()
    ts = await office.ts_of(incident, f"{incident}:outcome")
    with psycopg.connect(database_url) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("delete from aiops.incident")

    await slackbox.press(user="U0ANA", channel=CHANNEL, ts=ts, action_id="label_outcome")

    (view,) = await slackbox.open_views("U0ANA")
    assert f"There is no incident {incident}" in json.dumps(view)
