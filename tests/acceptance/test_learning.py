"""Three wrong recommendations in a row, seen from outside: the class falls, the channel learns why, and it stays fallen."""

import json

import psycopg
import pytest

from bot.slack.views.outcome import LABEL
from bot.slack.views.outcome_form import CAUSE, CLASS, COMPONENT, GRADE, OUTCOME_FORM
from slackbox.world import flat_text
from tests.acceptance.town import CHANNEL, open_town

ALERT = "PostgresConnectionsExhausted"
TRUTH = "the billing queue was filled by a retry storm of invoices"


@pytest.fixture
async def town(tmp_path, database_url):
    config = {"autonomy": {"classes": {ALERT: "approved"}}}
    async with open_town(tmp_path, database_url, config=config) as one:
        yield one


class Evening:
    """One incident after another, each with its root cause recorded by a person in Slack."""

    def __init__(self, town):
        self.town = town
        self.incidents = []

    async def incident(self):
        """The alert fires, the bot says what it thinks, the alert resolves."""
        alert = self.town.alert()
        incident = await self.town.fire(alert)
        thread = (await self.town.card(incident))["ts"]
        await self.town.reply("hypothesis", thread)
        self.incidents.append(incident)
        return alert, thread

    async def over(self, alert, thread):
        await self.town.resolve(alert)
        return await self.town.reply("outcome", thread)

    async def wrong(self):
        """The person presses the button and says that the diagnosis was wrong."""
        alert, thread = await self.incident()
        asked = await self.over(alert, thread)
        box = self.town.box
        await box.press(user="U0ANA", channel=CHANNEL, ts=asked["ts"], action_id=LABEL)
        view = (await box.open_views("U0ANA"))[-1]
        assert view["callback_id"] == OUTCOME_FORM
        values = {
            CAUSE: {CAUSE: TRUTH},
            CLASS: {CLASS: "capacity"},
            COMPONENT: {COMPONENT: "billing-queue"},
            # A miss; 0 on a sure hypothesis would be harmful, and one of those is enough by itself.
            GRADE: {GRADE: "35"},
        }
        answer = await box.submit(user="U0ANA", view_id=view["id"], values=values)
        assert (answer["errors"], answer["failure"], answer["view"]) == ({}, None, None), answer
        return thread

    def levels(self):
        with psycopg.connect(self.town.database_url) as connection:
            return connection.execute("select alert_class, runbook, level from aiops.autonomy").fetchall()


async def test_three_wrong_recommendations_in_a_row_demote_the_class_and_say_why(town):
    evening = Evening(town)
    for _ in range(2):
        thread = await evening.wrong()
        assert "run" in await town.kinds(thread), "an unproven class that may ask follows its runbook"
    corrected = await town.box.wait_for(CHANNEL, thread_ts=thread, contains="*Corrected* by", timeout_s=20)
    assert TRUTH in flat_text(corrected[-1])

    await evening.wrong()

    (told,) = await town.box.wait_for(CHANNEL, contains=f"{ALERT} with", event_type="aiops.outcome", timeout_s=20)
    words = flat_text(told)
    assert "back to advice only" in words
    assert "3 misses in a row" in words
    shown = json.dumps(told["blocks"])
    for incident in evening.incidents:
        assert incident in shown, "the incidents stand side by side"
    assert "offline analyst" in words, "which prompt or analyst it was"
    assert "missing: nothing that was gathered mentions billing-queue" in words, "which evidence was missing"
    assert "E1 " in words, "what was retrieved"
    assert "runbooks/aiops/aiops-wrong-hypothesis-investigation.md" in words
    assert [level for _, _, level in evening.levels()] == ["advisory"]

    pack = await town.bot.cli("outcome", "review", ALERT, "--json")
    assert pack[0]["level"] == "advisory"
    assert [one["id"] for one in pack[0]["incidents"]] == evening.incidents
    assert all(one["actual"] == TRUTH and one["retrieved"] for one in pack[0]["incidents"])
    assert (await town.bot.cli("audit", "verify", "--json"))["whole"]


async def test_a_fallen_class_is_only_read_for_even_where_the_configuration_allows_more(town):
    evening = Evening(town)
    for _ in range(3):
        await evening.wrong()
    await town.box.wait_for(CHANNEL, contains="back to advice only", timeout_s=20)

    alert, thread = await evening.incident()
    await evening.over(alert, thread)

    assert "run" not in await town.kinds(thread)
