"""Correcting what is recorded: what a short reply keeps, who may change it, and taking it back."""

from bot.core.hypothesis import CauseClass
from bot.core.outcome import Grade, GradedBy, OutcomeForm, OutcomeSource
from bot.core.root_cause import Label
from bot.slack.views.outcome import WITHDRAW_OUTCOME
from tests.learning.office import CHANNEL

FULL = OutcomeForm(
    cause="the pool is too small",
    cause_class=CauseClass.CONFIG,
    component="payments",
    change_id="chg-1",
    grade=Grade.AREA,
    fixed_by="a larger pool",
    fix_worked=True,
)


async def graded(office, *, author="U0ANA"):
    """An incident whose label a person filled in and graded."""
    incident = await office.incident()
    await office.labels.record(Label(incident_id=incident, form=FULL, author=author, source=OutcomeSource.MODAL))
    await office.send()
    return incident


async def test_a_reply_keeps_what_was_filled_in_and_replaces_the_words_alone(office):
    incident = await graded(office)

    await office.reply(incident, "root cause: the pool is too small since 4.12.0")

    stands = await office.stands(incident)
    assert stands.form.cause == "the pool is too small since 4.12.0"
    assert (stands.form.component, stands.form.change_id, stands.form.fixed_by) == (
        "payments",
        "chg-1",
        "a larger pool",
    )
    assert (stands.form.cause_class, stands.form.fix_worked) == (CauseClass.CONFIG, True)
    assert (stands.grade, stands.graded_by) == (Grade.AREA, GradedBy.PERSON), "the same cause in more words"


async def test_a_grade_goes_with_a_cause_that_is_another(office):
    incident = await graded(office)

    await office.reply(incident, "root cause: a certificate had expired")

    stands = await office.stands(incident)
    assert stands.form.grade is None
    assert stands.graded_by is not GradedBy.PERSON
    assert stands.form.fixed_by == "a larger pool"


async def test_what_a_person_graded_is_changed_by_them_or_an_approver_and_others_are_told_who_may(office):
    incident = await graded(office)

    await office.reply(incident, "root cause: a certificate had expired", user="U0CHEN")
    await office.whispered("only they or an approver may change", "U0CHEN")
    assert len(await office.versions(incident)) == 1

    await office.reply(incident, "root cause: a certificate had expired", user="U0BEN")
    assert (await office.stands(incident)).author == "U0BEN"
    await office.reply(incident, "root cause: a clock was wrong", user="U0CHEN")
    assert (await office.stands(incident)).author == "U0CHEN", "no person's grade stands any more"


async def test_a_mistake_is_taken_back_the_question_stands_again_and_nothing_counts_it(office, slackbox):
    incident = await office.incident()
    await office.reply(incident, "root cause: wait, no, I do not know")
    record = await office.ts_of(incident, f"{incident}:outcome")

    await slackbox.press(user="U0ANA", channel=CHANNEL, ts=record, action_id=WITHDRAW_OUTCOME, confirm=True)
    first, second = await office.recorded(incident, 2)

    assert (first.withdrawn, second.withdrawn, second.author) == (False, True, "U0ANA")
    shown, card, alert = await office.shown(incident)
    assert "took back what was recorded" in shown
    assert "What was the actual root cause?" in shown
    assert "I do not know" not in card + alert
    async with office.store.transaction() as tx:
        (call,) = await tx.calls(incident_id=incident)
        assert call.labelled_at is None
        assert [one.id for one in await tx.unlabelled(limit=5)] == [incident]
    assert await office.actions(incident) == ["outcome.recorded", "outcome.withdrawn"]

    await office.reply(incident, "root cause: a certificate had expired")
    assert (await office.stands(incident)).form.cause == "a certificate had expired"
    assert "a certificate had expired" in (await office.shown(incident))[1]


async def test_an_edited_message_whose_free_words_were_recorded_by_the_shortcut_offers_the_new_ones(office, slackbox):
    incident = await office.incident()
    ts = await office.reply(incident, "I think the pool is too small")
    await slackbox.shortcut(user="U0ANA", channel=CHANNEL, ts=ts, callback_id="record_root_cause")
    (view,) = await slackbox.open_views("U0ANA")
    await slackbox.submit(user="U0ANA", view_id=view["id"], values={})
    await office.recorded(incident, 1)

    await slackbox.edit(user="U0ANA", channel=CHANNEL, ts=ts, text="I think the pool is leaking")
    await office.handle()

    assert "I think the pool is leaking" in await office.message(incident, f"{incident}:outcome:edit:{CHANNEL}:{ts}")
