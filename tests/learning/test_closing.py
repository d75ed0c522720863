"""An incident that no alert resolves is closed by a person: by the button, at the command line, or by naming the cause."""

import psycopg

from bot.core.incident import IncidentState
from bot.slack.views.hypothesis import CLOSE_INCIDENT
from tests.learning.office import CHANNEL


async def test_the_button_closes_a_question_and_the_root_cause_is_asked_for(office, slackbox, database_url):
    incident = await office.question()
    async with office.store.transaction() as tx:
        await tx.add_investigation(incident, due_at=office.clock.at, trigger="rerun")
    assert await office.sweep() == 0
    card = await office.ts_of(incident, f"{incident}:hypothesis")

    for _ in range(2):
        await slackbox.press(user="U0BEN", channel=CHANNEL, ts=card, action_id=CLOSE_INCIDENT, confirm=True)
    await office.whispered("is over already", "U0BEN")
    await office.send()

    assert await office.state(incident) is IncidentState.RESOLVED
    assert "<@U0BEN> closed this incident." in await office.message(incident, f"{incident}:closed")
    assert CLOSE_INCIDENT not in await office.message(incident, f"{incident}:hypothesis")
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("select state::text from aiops.investigation order by number").fetchall()
        audited = connection.execute("select actor from aiops.aiops_audit where action = 'incident.closed'").fetchall()
    assert rows == [("done",), ("cancelled",)], "what waits is not begun any more"
    assert audited == [("U0BEN",)]
    assert await office.sweep() == 1
    assert "What was the actual root cause?" in await office.message(incident, f"{incident}:outcome")


async def test_an_incident_with_an_alert_has_no_such_button_because_the_alert_resolves_it(office):
    incident = await office.incident(over=False)

    assert CLOSE_INCIDENT not in await office.message(incident, f"{incident}:hypothesis")


async def test_naming_the_cause_closes_a_question_and_leaves_an_incident_open_whose_alert_fires(office):
    asked, burning = await office.question(), await office.incident(over=False)

    for incident in (asked, burning):
        await office.reply(incident, "root cause: a certificate had expired")

    assert await office.state(asked) is IncidentState.RESOLVED
    assert await office.state(burning) is IncidentState.INVESTIGATING
    assert "its root cause is recorded" in await office.message(asked, f"{asked}:closed")
    assert await office.sweep() == 0, "nobody asks for what is recorded"
