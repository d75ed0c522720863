"""One reminder, the Home tab, and whether a similar incident helped."""

import asyncio
import json

from bot.slack.home import HomeTabs
from tests.learning.office import CHANNEL
from tests.slack import samples

CAUSE = "the pool is too small"


async def test_the_reminder_comes_once_a_day_after_the_question(office):
    incident = await office.incident()
    await office.sweep()

    office.clock.pass_(hours=23)
    assert await office.sweep() == 0
    office.clock.pass_(hours=2)
    assert await office.sweep() == 1
    office.clock.pass_(days=30)
    assert await office.sweep() == 0

    assert "Still open" in await office.message(incident, f"{incident}:outcome:reminder")
    assert await office.actions(incident) == ["outcome.asked", "outcome.reminded"]


async def test_an_answer_takes_the_buttons_off_the_reminder(office):
    incident = await office.incident()
    await office.sweep()
    office.clock.pass_(hours=25)
    await office.sweep()

    await office.reply(incident, f"root cause: {CAUSE}")

    shown = await office.message(incident, f"{incident}:outcome:reminder")
    assert "is recorded" in shown
    assert "label_outcome" not in shown


async def test_who_answered_is_not_reminded(office):
    incident = await office.incident()
    await office.sweep()
    await office.reply(incident, f"root cause: {CAUSE}")

    office.clock.pass_(days=3)
    assert await office.sweep() == 0


async def test_several_replicas_ask_and_remind_once(office):
    incident = await office.incident()
    assert sum(await asyncio.gather(*(office.labels.ask() for _ in range(4)))) == 1
    office.clock.pass_(days=2)
    assert sum(await asyncio.gather(*(office.labels.ask() for _ in range(4)))) == 1

    assert await office.actions(incident) == ["outcome.asked", "outcome.reminded"]


class Calm:
    """An executor with nothing to do."""

    async def pending(self):
        return ()

    async def runs(self, limit):
        return ()

    async def paused(self):
        return None


async def test_the_home_tab_lists_what_lacks_a_root_cause_and_its_button_opens_the_form(office, slackbox):
    first, second = await office.incident(), await office.incident()
    flows = office.flows

    class Flows:
        list_incidents = staticmethod(flows.list_incidents)

        async def status(self):
            return samples.status_report(open_incidents=())

    home = HomeTabs(Flows(), Calm(), office.labels, client=office.client, clock=office.clock)
    await home.opened("U0ANA")
    shown = (await slackbox.views("U0ANA"))["home"]
    assert "Root cause missing (2)" in json.dumps(shown)

    await slackbox.press_in_view(user="U0ANA", view_id=shown["id"], action_id="label_outcome", value=first)
    (view,) = await slackbox.open_views("U0ANA")
    await office.submit(view, cause=CAUSE)
    await home.refresh()

    shown = (await slackbox.views("U0ANA"))["home"]
    assert (await office.stands(first)).form.cause == CAUSE
    assert "Root cause missing (1)" in json.dumps(shown)
    assert second in json.dumps(shown)


async def votes(office):
    async with office.store.transaction() as tx:
        return {call.incident_id: call.similar_relevant for call in await tx.calls()}


async def test_a_person_says_which_similar_incident_helped_or_that_none_is_related(office, slackbox):
    one, other, silent = [await office.incident() for _ in range(3)]
    for incident, place in ((one, 1), (other, 3)):
        message = json.loads(await office.message(incident, f"{incident}:similar"))
        menu = next(block["accessory"] for block in message["blocks"] if block["type"] == "section")
        chosen = menu["options"][place]["value"]
        await slackbox.press(user="U0ANA", channel=CHANNEL, ts=message["ts"], action_id="vote_similar", value=chosen)
        await office.whispered("Noted: Checkout down while" if place == 1 else "Noted: not related (3 records)")

    assert await votes(office) == {one: True, other: False, silent: None}


async def test_a_vote_on_what_is_not_shown_any_more_counts_for_nothing(office, slackbox):
    incident = await office.incident()
    message = json.loads(await office.message(incident, f"{incident}:similar"))
    menu = next(block["accessory"] for block in message["blocks"] if block["type"] == "section")
    office.agent.assessment = samples.assessment(similar=samples.SimilarFound(incidents=(), searched=9))
    async with office.store.transaction() as tx:
        await tx.put_post(
            operation=f"{incident}:similar",
            incident_id=incident,
            content=samples_similar(incident),
            now=office.clock.at,
        )

    await slackbox.press(
        user="U0ANA", channel=CHANNEL, ts=message["ts"], action_id="vote_similar", value=menu["options"][0]["value"]
    )

    await office.whispered("have changed since")
    assert await votes(office) == {incident: None}


def samples_similar(incident):
    from bot.core.hypothesis import SimilarFound
    from bot.core.posts import SimilarPost

    return SimilarPost(incident_id=incident, found=SimilarFound(incidents=(), searched=9))
