"""What a service's incidents turned out to be before moves the offline analyst's order a little, and is said."""

from dataclasses import replace

from bot.agent.analyst import candidates
from bot.agent.causes import Case
from bot.core.confidence import Calibration
from bot.core.evidence import EvidencePack, Window
from bot.core.hypothesis import CauseClass
from bot.ports import Experience
from tests.agent.worlds import ONSET, leak_world

PACK = EvidencePack(evidence=(), gaps=(), window=Window(start=ONSET, end=ONSET))
CASE = Case(service="orders-db", onset=ONSET)


def score(case, cause_class):
    return next(one.score for one in candidates(PACK, case) if one.cause_class is cause_class)


def test_a_cause_that_a_service_often_had_scores_a_little_higher_and_only_there_is_a_past():
    past = replace(CASE, past={CauseClass.CAPACITY: 9})

    lifted = score(past, CauseClass.CAPACITY) - score(CASE, CauseClass.CAPACITY)

    assert 0 < lifted < 0.3
    assert score(past, CauseClass.NO_CAUSE) < score(CASE, CauseClass.NO_CAUSE)
    assert score(past, CauseClass.UNKNOWN) == score(CASE, CauseClass.UNKNOWN)
    assert candidates(PACK, replace(CASE, past={})) == candidates(PACK, CASE)


async def test_the_answer_says_that_the_past_was_used_and_a_clear_cause_stays_first(rig):
    async def recall(service):
        assert service == "orders-db"
        return Experience(calibration=Calibration(), history=None, causes={CauseClass.CAPACITY: 9})

    out = await (await rig(leak_world(), recall=recall)).run()

    assert out.top.cause_class is CauseClass.DEPLOY, "what the evidence shows outweighs the past"
    assert any(
        "leans a little on 9 past incidents of orders-db, most often capacity (9 of 9)" in one
        for one in out.assessment.notes
    )
    assert out.concluded.world["world"]["case"]["past"] == {"capacity": 9}, "a replay weighs the same past"
