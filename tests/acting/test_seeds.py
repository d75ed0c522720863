"""Hundreds of runs in bad weather: each write at most once, never without a verdict, and every run ends."""

import asyncio
from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from bot.core.approval import ApprovalState, Verdict
from bot.core.execution import RUN_ENDS, RunState, StepState
from bot.core.policy import Effect, Level
from bot.flows.acting.decide import expire_approvals, pause_writes, resume_writes, settle_unknown, stop_run
from bot.flows.acting.desk import RunPolicy
from bot.flows.acting.follow import follow_next
from tests.acting.weather import PowerCut, StormyStore, Weather, is_power_cut

SEEDS = 50
"""In each of four tests."""
LEASE_S = 15
PEOPLE = ("U0ANA", "U0BEN", "U0CHLOE")


class Group:
    """The approver group without the network in between; its own tests ask Slack."""

    def __init__(self):
        self.members = set()

    async def may_approve(self, user, environment):
        await asyncio.sleep(0)
        return user in self.members

    def configured(self, environment):
        return ("S0ONCALL",)

    def environments(self):
        return frozenset()


class Remembering:
    """The runbook, read once for all seeds: its text never changes here."""

    def __init__(self, runbook):
        self.runbook = runbook

    def parse(self, source, path):
        assert source == self.runbook.source
        return self.runbook


class Life:
    """One run, from its plan to its end."""

    def __init__(self, yard, seed):
        self.random, self.weather = Random(seed), Weather(random=Random(seed + 1_000_000))
        self.yard, self.group = yard, Group()
        self.group.members = {"U0ANA", "U0BEN"}
        policy = RunPolicy(two_person=frozenset({"default"} if self.random.random() < 0.2 else ()), call_timeout_s=2)
        store = StormyStore(yard.desk.store, self.weather)
        runbooks = Remembering(yard.runbook)
        self.calm = replace(yard.desk, approvers=self.group, policy=policy, runbooks=runbooks)
        self.stormy = replace(self.calm, store=store, reach=self.weather.reach)
        self.weather.stalls = self.meanwhile
        self.settled_by_hand = False

    async def meanwhile(self):
        """Another worker takes over while the first one stands still, and goes as far as it gets."""
        self.yard.clock.pass_(LEASE_S + 1)
        await self.person()
        for _ in range(3):
            await self.survive(self.follow(owner="the other"))

    async def follow(self, *, owner):
        await follow_next(replace(self.stormy, owner=owner))

    async def survive(self, doing):
        try:
            await doing
        except BaseException as error:
            if not is_power_cut(error):
                raise

    async def live(self):
        yard, random = self.yard, self.random
        yard.restore()
        # So many runs are allowed in an hour.
        yard.clock.pass_(3_600)
        yard.plant.grants.clear()
        yard.plant.refuse = "no" if random.random() < 0.05 else ""
        yard.plant.fail = "broken" if random.random() < 0.1 else ""
        yard.plant.bursts, yard.plant.stuck = random.random() < 0.3, random.random() < 0.1
        requester = random.choice(["aiops", "aiops", "U0ANA"])
        await yard.plan(requester=requester, level=random.choice([Level.APPROVED, Level.AUTONOMOUS]), confidence=0.9)
        for _ in range(40):
            await self.survive(self.follow(owner="the first"))
            await self.survive(self.person())
            yard.clock.pass_(random.choice([0, 1, 1, 4, LEASE_S + 1]))
            if (await yard.detail()).run.state in RUN_ENDS:
                break
        await self.calm_down()

    async def calm_down(self):
        """No more misfortunes, and somebody answers what is open: the run has to end."""
        self.weather.calm = True
        await resume_writes(user="U0ANA", reason="", channel="#ops", desk=self.calm)
        for _ in range(60):
            detail = await self.yard.detail()
            if detail.run.state in RUN_ENDS:
                return
            await self.answer_what_is_unknown(detail)
            self.yard.clock.pass_(60)
            await expire_approvals(desk=self.calm)
            await self.follow(owner="the last")
        raise AssertionError("the run never ends")

    async def answer_what_is_unknown(self, detail):
        newest = detail.step_runs[-1] if detail.step_runs else None
        if newest is None or newest.state is not StepState.UNKNOWN:
            return
        tool = "open_valves" if newest.rollback else "close_valves"
        done = any(name == tool for name, _ in self.yard.plant.writes)
        self.settled_by_hand = True
        await settle_unknown(self.yard.run_id, newest.number, user="U0BEN", carried_out=done, desk=self.calm)

    async def person(self):
        random, yard = self.random, replace(self.yard, desk=self.stormy)
        detail = await self.yard.detail()
        act = random.choices(
            [
                "approve",
                "two at once",
                "reject",
                "withdraw",
                "stop",
                "pause",
                "resume",
                "valve",
                "leave",
                "settle",
                "-",
            ],
            [40, 15, 2, 1, 2, 3, 10, 4, 1, 10, 12],
        )[0]
        if act in {"approve", "two at once", "reject", "withdraw"} and not detail.approvals:
            return
        who = random.choice(PEOPLE)
        match act:
            case "approve":
                await yard.approve(who)
            case "two at once":
                answers = await asyncio.gather(yard.approve("U0ANA"), yard.approve("U0BEN"), return_exceptions=True)
                assert all(not isinstance(one, Exception) for one in answers), answers
                if any(isinstance(one, PowerCut) for one in answers):
                    raise PowerCut
            case "reject":
                await yard.say(Verdict.REJECT, who, "no")
            case "withdraw":
                await yard.say(Verdict.WITHDRAW, who)
            case "stop":
                await stop_run(yard.run_id, user=who, desk=yard.desk)
            case "pause":
                await pause_writes(user=who, reason="", channel="#ops", desk=yard.desk)
            case "resume":
                await resume_writes(user="U0ANA", reason="", channel="#ops", desk=yard.desk)
            case "valve":
                yard.plant.open[f"extra {random.random()}"] = random.random() < 0.5
            case "leave":
                self.group.members.discard(who)
            case "settle":
                await self.answer_what_is_unknown(detail)

    async def check(self):
        detail, plant = await self.yard.ended(), self.yard.plant
        tools = [tool for tool, _ in plant.writes]
        assert tools.count("close_valves") <= 1, "a write was made twice"
        assert tools.count("open_valves") <= 1, "a rollback was made twice"
        assert len(plant.grants) <= 1, "a write was called twice"
        for tool, valves in plant.writes:
            used = [one for one in detail.approvals if one.state is ApprovalState.USED and one.envelope.tool == tool]
            assert len(used) == 1, "a write was made without an approval"
            (approval,) = used
            voters = {vote.user for vote in approval.votes}
            assert approval.envelope.args == {"valves": list(valves)}, "other arguments ran than were approved"
            assert len(voters) >= approval.needed
            assert voters <= {"U0ANA", "U0BEN"} - {detail.run.requester}
        for one in detail.step_runs:
            if one.effect is Effect.READ:
                continue
            made = ("open_valves" if one.rollback else "close_valves") in tools
            assert not made or one.state in {StepState.SUCCEEDED, StepState.FAILED, StepState.UNKNOWN}
            assert one.state is not StepState.SUCCEEDED or made
        return detail


async def story(yard):
    """What happened to the last run, for the report of a failed seed."""
    detail = await yard.detail()
    steps = [f"{one.step_id}{' rollback' * one.rollback} {one.state}: {one.why}" for one in detail.step_runs]
    approvals = [f"{one.state} of step {one.step_run}: {one.reason}" for one in detail.approvals]
    run = f"{detail.run.state}: {detail.run.why}"
    return "\n".join([run, *steps, *approvals, str(yard.plant.writes), *await yard.actions(yard.run_id)])


@pytest.mark.parametrize("first", range(0, 4 * SEEDS, SEEDS))
async def test_in_hundreds_of_seeded_runs_each_write_is_made_at_most_once_and_never_without_a_verdict(open_yard, first):
    yard = await open_yard()
    ends, met, writes = Counter(), Counter(), 0
    for seed in range(first, first + SEEDS):
        life = Life(yard, seed)
        try:
            await life.live()
            detail = await life.check()
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}\n{await story(yard)}") from error
        ends[detail.run.state] += 1
        met.update(life.weather.met)
        writes += len(yard.plant.writes)

    # The weather was bad enough to mean something, and good enough for things to get done.
    assert writes > SEEDS / 3
    assert {RunState.SUCCEEDED, RunState.FAILED, RunState.STOPPED} <= set(ends), ends
    assert ends[RunState.SUCCEEDED] > SEEDS / 10
    assert {"before a commit", "after a commit", "stalled", "at approval.asked"} <= set(met), met
    assert len({point for point in met if point.startswith("at write.")}) >= 3, met
    assert (await yard.audit.verify()).broken is None
