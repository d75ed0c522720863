"""A class of alert that rose or fell, in every situation that has a golden file."""

from dataclasses import replace
from datetime import timedelta

from bot.core.alert import Anchor
from bot.core.evidence import Gap
from bot.core.outcome import Grade
from bot.core.policy import Level
from bot.core.posts import Content, LevelChange
from bot.core.review import Pointer, Reviewed
from tests.slack.samples import HOSTILE, ONSET


def reviewed(**changes: object) -> Reviewed:
    """One incident of a pack."""
    made = Reviewed(
        incident_id="INC-31",
        at=ONSET,
        anchor=Anchor(channel="C1", ts="1763863380.000100"),
        prompt="triage@3",
        said="Release 2.31.0 of checkout leaks connections",
        confidence=0.72,
        grade=Grade.WRONG,
        actual="The ledger database ran out of disk after the archive job was switched off.",
        component="ledger-db",
        change_id="",
        retrieved=("E1 Release 2.31.0 of checkout, 4 min before", "E2 checkout errors rose to 30 %"),
        pointers=(),
        gaps=(Gap(what="traces", why="no server offers them"),),
    )
    return replace(made, **changes)


def contents() -> dict[str, Content]:
    """By name of the golden file."""
    ignored = Pointer(id="E4", title="ledger-db logs “disk full” (new)", cited=False, why="it is about ledger-db")
    pack = (
        reviewed(),
        reviewed(incident_id="INC-34", at=ONSET + timedelta(days=2), pointers=(ignored,), gaps=()),
        reviewed(incident_id="INC-37", at=ONSET + timedelta(days=3), pointers=(replace(ignored, cited=True),)),
    )
    fell = LevelChange(
        alert_class="CheckoutHighErrorRate",
        runbook="high-error-rate",
        before=Level.AUTONOMOUS,
        after=Level.ADVISORY,
        why="dropped on 2026-11-23: 3 misses in a row; since then 0 of the 12 labelled incidents that are needed",
        pack=pack,
    )
    rose = replace(
        fell,
        before=Level.APPROVED,
        after=Level.AUTONOMOUS,
        why="earned: 14 of 15 labelled incidents helped, so at least 76% of the time (90 % interval), none of the last 20 harmful",
        pack=(),
    )
    back = replace(
        fell, before=Level.ADVISORY, after=Level.APPROVED, why="2 of the 12 labelled incidents that are needed", pack=()
    )
    hostile = replace(
        fell,
        alert_class=HOSTILE,
        runbook="",
        pack=(
            reviewed(
                said=HOSTILE,
                actual=HOSTILE * 40,
                prompt=HOSTILE,
                retrieved=(HOSTILE * 9,) * 90,
                pointers=(replace(ignored, title=HOSTILE, why=HOSTILE),) * 9,
                gaps=(Gap(what=HOSTILE, why=HOSTILE),) * 9,
            ),
        )
        * 3,
    )
    return {"level_fell": fell, "level_rose": rose, "level_back": back, "level_hostile": hostile}
