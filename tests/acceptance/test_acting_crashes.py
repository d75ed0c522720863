"""kill -9 of `aiops serve` at every named point of acting: at most one write, never without a yes, nothing forgotten."""

import contextlib
import signal

import pytest
import pytest_asyncio
import yaml

from bot.slack.views.run import CARRIED_OUT, NOT_CARRIED_OUT
from tests.acceptance.orders import LEAKED, open_shift, told
from tests.acceptance.town import CHANNEL
from tests.basecamp.grants import KEY
from tests.support.cable import cable_to

pytestmark = pytest.mark.asyncio(loop_scope="module")

BEFORE_THE_CARD = {"read.started", "approval.asked"}
OTHER_KEY = "not-the-key-that-the-server-was-given"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory, module_database, leak):
    """Everything but the bot, which every test starts and kills for itself; after them all the audit log is whole."""
    async with open_shift(tmp_path_factory.mktemp("town"), module_database, leak, start=False) as one:
        yield one
        await one.audit_is_whole()


@pytest_asyncio.fixture(loop_scope="module")
async def killed_at(town, leak):
    """
    Lets the bot die at a point, after one person said yes if it got so far, and starts it again; the incident's thread.

    `change` is what happens between the card and the yes; with `cut` the answer to the write never arrives.
    """
    usual, file = dict(town.town.bot.environment), town.folder / "aiops.yaml"
    config = file.read_text("utf-8")
    async with contextlib.AsyncExitStack() as stack:

        async def run(point, *, change=None, cut=False, key=KEY):
            bot = town.town.bot
            leak.spring()
            bot.environment |= {"AIOPS_APPROVAL_KEY": key, "AIOPS_FAIL_POINT": point}
            if cut:
                await cut_the_line(town, stack)
            await bot.start()
            await leak.forgotten()
            incident = await town.report()
            if point not in BEFORE_THE_CARD:
                card = await town.asked((await town.town.card(incident))["ts"])
                if change is not None:
                    change()
                await town.approve("U0ANA", card)
            assert await bot.died() == -signal.SIGKILL
            del bot.environment["AIOPS_FAIL_POINT"]
            await bot.start()
            return (await town.town.card(incident))["ts"]

        yield run
        await town.over()
        await town.town.bot.stop()
        town.town.bot.environment = usual
        file.write_text(config, "utf-8")


async def cut_the_line(shift, stack):
    """Between the bot and basecamp, from the first grant on."""
    file = shift.folder / "aiops.yaml"
    config = yaml.safe_load(file.read_text("utf-8"))
    server = config["mcpServers"]["basecamp"]
    cable = await stack.enter_async_context(cable_to(server["url"]))
    cable.cut_at = b"aiops/grant"
    server["url"] = f"{cable.url}/mcp"
    file.write_text(yaml.safe_dump(config), "utf-8")


async def check(shift, thread, *, calls):
    """What has to hold however it went."""
    run = await shift.run(thread)
    made = await calls_of(shift, thread)
    assert len(made) == calls
    shown = [one["metadata"]["event_payload"]["operation"] for one in await shift.cards(thread)]
    approvals = shift.rows(
        "select id, state::text, votes from aiops.approval where run_id = %s order by created_at", run
    )
    asked = [f":approval:{one}" for one, _, _ in approvals]
    assert [one[one.index(":") :] for one in shown] == asked, "one card for each request"
    actions = [action for action in shift.actions(run) if action.split(".")[0] in {"approval", "step"}]
    for place, action in enumerate(actions):
        if action == "step.started":
            assert actions[place - 1] == "approval.used"
            assert "approval.approved" in actions[:place]
    for call in made:
        voters = [vote["user"] for _, state, votes in approvals if state == "used" for vote in votes]
        assert [call["grant"]["approver"]] == voters
    kinds = await shift.town.kinds(thread)
    assert kinds.count("result") == 1
    assert kinds.count("run") == 1


async def calls_of(shift, thread):
    """Calls that basecamp began for the run of this thread, by its own audit file."""
    run = await shift.run(thread)
    return [call for call in shift.acting() if call["grant"]["run"] == run]


async def question(shift, thread):
    """The card that asks what became of the write."""
    (card,) = await shift.town.box.wait_for(
        CHANNEL, thread_ts=thread, event_type="aiops.run", contains="A person has to decide", timeout_s=30
    )
    return card


async def answer(shift, user, card, action_id):
    await shift.town.box.press(user=user, channel=CHANNEL, ts=card["ts"], action_id=action_id)


@pytest.mark.parametrize("point", ["read.started", "approval.asked", "approval.decided", "write.recorded", "write.judged", "run.ended"])  # fmt: skip
async def test_killed_where_all_is_known_it_is_finished_with_one_card_and_one_write(town, leak, killed_at, point):
    thread = await killed_at(point)
    card = await town.asked(thread)
    if point in BEFORE_THE_CARD:
        assert await calls_of(town, thread) == [], "nothing runs before somebody has said yes"
        await town.approve("U0BEN", card)

    result = told(await town.town.reply("result", thread))

    assert f"connections {LEAKED}/20 → 0/20" in result
    assert f"approved by <@{'U0BEN' if point in BEFORE_THE_CARD else 'U0ANA'}>" in result
    assert leak.sessions() == {}
    await check(town, thread, calls=1)


@pytest.mark.parametrize(("point", "carried_out"), [("write.started", False), ("write.answered", True)])
async def test_killed_in_the_middle_of_the_write_a_person_is_asked_and_it_is_never_made_again(
    town, leak, killed_at, point, carried_out
):
    thread = await killed_at(point)
    card = await question(town, thread)
    assert "the process ended while this was running" in told(card)
    assert f"at most 60 % of the usable connections are taken: {'yes' if carried_out else 'no'}" in told(card)
    assert len(await calls_of(town, thread)) == int(carried_out)

    await answer(town, "U0CHEN", card, CARRIED_OUT)
    assert "Only the approver group can decide this" in await town.last_said_to("U0CHEN")
    await answer(town, "U0BEN", card, CARRIED_OUT if carried_out else NOT_CARRIED_OUT)

    result = told(await town.town.reply("result", thread))
    assert ("Done" if carried_out else "Failed") in result
    assert len(leak.sessions()) == (0 if carried_out else LEAKED)
    await check(town, thread, calls=int(carried_out))


async def test_killed_after_it_noted_that_nobody_knows_the_question_stands_in_the_thread(town, leak, killed_at):
    thread = await killed_at("write.unknown", cut=True)
    card = await question(town, thread)
    assert len(await calls_of(town, thread)) == 1, "the server had it, and it is not sent again"

    await answer(town, "U0ANA", card, CARRIED_OUT)

    assert "Done" in told(await town.town.reply("result", thread))
    assert leak.sessions() == {}
    await check(town, thread, calls=1)


async def test_killed_after_the_server_refused_the_grant_it_says_so_and_tries_nothing_else(town, leak, killed_at):
    before = len(town.refused())
    thread = await killed_at("write.failed", key=OTHER_KEY)

    result = told(await town.town.reply("result", thread))

    assert "nothing was changed" in result
    assert "not one that was signed with this server's key" in result
    assert len(town.refused()) == before + 1
    assert len(leak.sessions()) == LEAKED
    await check(town, thread, calls=0)


async def test_killed_while_a_request_was_being_replaced_it_is_asked_for_anew_once(town, leak, killed_at):
    thread = await killed_at("approval.refused", change=leak.give_one_back)
    again = await town.asked(thread, count=2)
    assert f"on {LEAKED - 1} targets" in told(again)
    assert "*Replaced*" in told((await town.cards(thread))[0])
    assert await calls_of(town, thread) == []

    await town.approve("U0BEN", again)

    assert "approved by <@U0BEN>" in told(await town.town.reply("result", thread))
    (call,) = await calls_of(town, thread)
    assert len(call["arguments"]["sessions"]) == LEAKED - 1
    assert leak.sessions() == {}
    await check(town, thread, calls=1)
