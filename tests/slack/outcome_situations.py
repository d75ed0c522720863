"""Root causes asked for, recorded, corrected and edited, in every situation that has a golden file."""

from dataclasses import replace
from datetime import timedelta

from bot.core.hypothesis import CauseClass
from bot.core.incident import IncidentState
from bot.core.outcome import Grade, GradedBy, MessageRef, Outcome, OutcomeForm, OutcomeSource
from bot.core.posts import AlertCard, Content, Notice, OutcomeOffer, OutcomePost, OutcomeRequest, Settled
from bot.flows.learning.labels import Draft
from bot.slack.views.outcome_form import outcome_form
from tests.slack.samples import HOSTILE, ONSET, alert, assessment, hypothesis_card, incident, leader

CAUSE = "payments 4.12.0 opens a connection per settlement batch and never closes it"
LEADER = "payments 4.12.0 leaks database connections"
MESSAGE = MessageRef(channel="C0ALERTS", ts="1795163470.000200", permalink="https://x.slack.com/archives/C0ALERTS/p1")


def outcome(**changes: object) -> Outcome:
    made = Outcome(
        incident_id="INC-7",
        version=1,
        form=OutcomeForm(
            cause=CAUSE,
            cause_class=CauseClass.DEPLOY,
            component="payments",
            change_id="chg-881",
            fixed_by="Rolled back to 4.11.3",
            fix_worked=True,
            links=("https://handbook.example/postmortems/7",),
        ),
        author="U0ANA",
        source=OutcomeSource.REPLY,
        recorded_at=ONSET + timedelta(hours=2),
        message=MESSAGE,
        grade=Grade.EXACT,
        graded_by=GradedBy.MATCH,
        grade_reason="the change that was blamed, chg-881, is the recorded one",
    )
    return replace(made, **changes)


def settled(**changes: object) -> Settled:
    made = Settled(author="U0ANA", cause=CAUSE, established=True, grade=Grade.EXACT, graded_by=GradedBy.PERSON)
    return replace(made, **changes)


def post(made: Outcome, *, hypothesis: str = LEADER, judging: bool = True) -> OutcomePost:
    return OutcomePost(title=incident().title, outcome=made, hypothesis=hypothesis, judging=judging)


def contents() -> dict[str, Content]:
    """Messages."""
    request = OutcomeRequest(incident_id="INC-7", title=incident().title, hypothesis=LEADER)
    offer = OutcomeOffer(
        incident_id="INC-7",
        message=MESSAGE,
        editor="U0ANA",
        recorded="the pool is too small",
        words="the pool is too small since 4.12.0",
    )
    words_only = OutcomeForm(cause="the provider was slow")
    wrong = outcome(
        form=OutcomeForm(cause="an expired certificate at the provider", cause_class=CauseClass.EXTERNAL),
        version=2,
        source=OutcomeSource.MODAL,
        message=None,
        author="U0BEN",
        grade=Grade.WRONG,
        graded_by=GradedBy.JUDGE,
        grade_reason="the provider was at fault, not the release",
    )
    hostile = outcome(
        author=HOSTILE,
        form=OutcomeForm(
            cause=HOSTILE * 20,
            component=HOSTILE,
            change_id=HOSTILE,
            fixed_by=HOSTILE * 4,
            links=("javascript:alert(1)", HOSTILE),
        ),
        grade=Grade.AREA,
        graded_by=GradedBy.JUDGE,
        grade_reason=HOSTILE * 3,
    )
    resolved = incident(state=IncidentState.RESOLVED, resolved_at=ONSET + timedelta(minutes=12), firing_count=0)
    wrong_card = settled(cause="an expired certificate at the provider", grade=Grade.WRONG)
    return {
        "outcome_asked": request,
        "outcome_asked_without_hypothesis": replace(request, hypothesis=""),
        "outcome_reminder": replace(request, reminder=True),
        "outcome_reminder_answered": replace(request, reminder=True, answered=True),
        "outcome_asked_hostile": replace(request, title=HOSTILE * 4, hypothesis=HOSTILE * 9),
        "outcome_withdrawn": replace(request, withdrawn_by="U0ANA"),
        "outcome_withdrawn_hostile": replace(request, withdrawn_by=HOSTILE, hypothesis=HOSTILE * 9),
        "closed_by_hand": Notice(incident_id="INC-7", text="closed this incident: the customer hung up", by="U0BEN"),
        "closed_by_hand_hostile": Notice(incident_id="INC-7", text=HOSTILE * 90, by=HOSTILE),
        "hypothesis_asked_by_hand": hypothesis_card(assessment(), incident=incident(by_hand=True)),
        "outcome_recorded": post(outcome()),
        "outcome_corrected": post(wrong),
        "outcome_words_only": post(outcome(form=words_only, grade=None, graded_by=None, grade_reason="")),
        "outcome_words_only_offline": post(
            outcome(form=words_only, grade=None, graded_by=None, grade_reason=""), judging=False
        ),
        "outcome_message_deleted": post(outcome(message_deleted=True)),
        "outcome_none_established": post(
            outcome(form=OutcomeForm(cause="", established=False), grade=None, graded_by=None, grade_reason="")
        ),
        "outcome_long": post(outcome(form=OutcomeForm(cause=CAUSE * 20), grade=None, graded_by=None)),
        "outcome_recorded_hostile": post(hostile, hypothesis=HOSTILE * 4),
        "outcome_edited": offer,
        "outcome_edited_taken_over": replace(offer, settled="The record was brought up to date."),
        "outcome_edited_hostile": replace(offer, editor=HOSTILE, recorded=HOSTILE * 9, words=HOSTILE * 40),
        "hypothesis_confirmed": hypothesis_card(assessment(), settled=settled()),
        "hypothesis_nearly_confirmed": hypothesis_card(assessment(), settled=settled(grade=Grade.NEAR)),
        "hypothesis_corrected": hypothesis_card(assessment(), settled=wrong_card),
        "hypothesis_settled_hostile": hypothesis_card(
            assessment(), settled=settled(author=HOSTILE, cause=HOSTILE * 9, grade=Grade.AREA)
        ),
        "alert_confirmed": AlertCard(
            incident=resolved,
            alerts=(alert(),),
            deliveries=2,
            truncated=0,
            verdict=f"{LEADER} (72%)",
            settled=settled(),
        ),
        "alert_corrected": AlertCard(
            incident=resolved,
            alerts=(alert(),),
            deliveries=2,
            truncated=0,
            verdict=f"{LEADER} (72%)",
            settled=wrong_card,
        ),
    }


def views() -> dict[str, object]:
    """Forms."""
    draft = Draft(incident=incident(), hypothesis=leader(), standing=None)
    from_message = outcome_form(draft, source=OutcomeSource.SHORTCUT, words="the pool is too small", message=MESSAGE)
    correction = replace(draft, standing=outcome(graded_by=GradedBy.PERSON))
    bare = Draft(incident=incident(title=HOSTILE), hypothesis=None, standing=None)
    return {
        "modal_outcome": outcome_form(draft, source=OutcomeSource.MODAL),
        "modal_outcome_from_message": from_message,
        "modal_outcome_correction": outcome_form(correction, source=OutcomeSource.MODAL),
        "modal_outcome_none_established": outcome_form(
            replace(draft, standing=outcome(form=OutcomeForm(cause="", established=False))), source=OutcomeSource.MODAL
        ),
        "modal_outcome_hostile": outcome_form(bare, source=OutcomeSource.MODAL, words=HOSTILE * 12),
    }
