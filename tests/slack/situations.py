"""Every situation that has a golden file."""

from dataclasses import replace
from datetime import timedelta

from bot.core.alert import AlertStatus, Severity
from bot.core.evidence import EvidenceKind, EvidencePack, Gap
from bot.core.hypothesis import (
    Assessment,
    CauseClass,
    Claim,
    Confidence,
    FirstAction,
    SimilarFound,
    Suspect,
    Usage,
)
from bot.core.incident import IncidentState
from bot.core.posts import (
    AlertCard,
    Content,
    Notice,
    Progress,
    SimilarPost,
    Task,
    TaskState,
)
from tests.slack.samples import (
    HOSTILE,
    ONSET,
    alert,
    anomaly,
    assessment,
    evidence,
    evidence_post,
    hypothesis_card,
    incident,
    leader,
    pack,
    similar,
)


def hostile_pack(count: int = 120) -> EvidencePack:
    kinds = list(EvidenceKind)
    return EvidencePack(
        evidence=tuple(
            evidence(n, kinds[n % len(kinds)], HOSTILE * 30, query=HOSTILE * 20, url="javascript:alert(1)|<!here>")
            for n in range(1, count + 1)
        ),
        gaps=tuple(Gap(what=HOSTILE * 5, why=HOSTILE * 5) for _ in range(30)),
        window=pack().window,
    )


def hostile_assessment() -> Assessment:
    bad = leader(
        title=HOSTILE * 20,
        suspect=Suspect(service=HOSTILE * 4, change_id=HOSTILE * 4),
        claims=tuple(Claim(text=HOSTILE * 10, evidence=("E1", "E2")) for _ in range(30)),
        disconfirming_check=HOSTILE * 10,
        confidence=Confidence(value=0.3, raw=0.3, labels=0, basis=HOSTILE * 10),
    )
    return assessment(
        summary=HOSTILE * 40,
        hypotheses=(bad, bad, bad),
        first_action=FirstAction(text=HOSTILE * 10, runbook=HOSTILE * 3, step=HOSTILE * 3),
        ruled_out=tuple(HOSTILE * 5 for _ in range(40)),
        analyst=HOSTILE * 5,
        notes=tuple(HOSTILE * 10 for _ in range(9)),
    )


def _tasks(*states: TaskState) -> tuple[Task, ...]:
    titles = (
        ("changes", "Checked recent changes", "2 changes on payments and what it depends on"),
        ("metrics", "Checking metrics", ""),
        ("logs", "Reading logs", ""),
        ("similar", "Looking for similar incidents", ""),
    )
    return tuple(
        Task(id=name, title=title, state=state, output=output if state is TaskState.COMPLETE else "")
        for (name, title, output), state in zip(titles, states, strict=True)
    )


def contents() -> dict[str, Content]:
    """Every situation that has a golden file."""
    states = TaskState
    resolved = incident(
        state=IncidentState.RESOLVED, resolved_at=ONSET + timedelta(minutes=12), firing_count=0, alert_count=2
    )
    storm = tuple(
        alert(
            fingerprint=f"f{n}",
            name="PodCrashLooping",
            summary=f"payments-{n} restarts",
            labels={"pod": f"payments-{n}"},
        )
        for n in range(11)
    )
    unknown = leader(
        title="Cannot tell",
        cause_class=CauseClass.UNKNOWN,
        suspect=None,
        claims=(),
        confidence=Confidence(value=0.2, raw=0.2, labels=0, basis="prior only, no labelled incidents yet"),
        disconfirming_check="the logs of ledger-db, which could not be read",
    )
    healthy = leader(
        title="Nothing moved",
        cause_class=CauseClass.NO_CAUSE,
        suspect=None,
        claims=(Claim(text="Error rate and latency of payments did not change at onset.", evidence=("E2", "E3")),),
        confidence=Confidence(value=0.64, raw=0.7, labels=34, basis="from 34 similar calls"),
        disconfirming_check="errors are seen outside the window that was looked at",
    )
    hostile_similar = SimilarFound(
        incidents=tuple(
            replace(each, title=HOSTILE * 5, why=HOSTILE * 20, cause=HOSTILE * 20, fix=HOSTILE * 20, url="javascript:x")
            for each in similar().incidents
        ),
        searched=32,
        note=HOSTILE,
    )
    return {
        "alert_firing": AlertCard(incident=incident(), alerts=(alert(),), deliveries=1, truncated=0),
        "alert_storm": AlertCard(
            incident=incident(title="PodCrashLooping: payments-0 restarts", alert_count=14, firing_count=11),
            alerts=storm,
            deliveries=5,
            truncated=3,
        ),
        "alert_resolved": AlertCard(
            incident=resolved, alerts=(alert(status=AlertStatus.RESOLVED),), deliveries=4, truncated=0
        ),
        "alert_anomaly": AlertCard(
            incident=incident(title="CheckoutErrors: rose from 0.2 to 14.1", severity=Severity.WARNING, environment=""),
            alerts=(anomaly(),),
            deliveries=1,
            truncated=0,
        ),
        "alert_anomaly_resolved": AlertCard(
            incident=replace(resolved, title="CheckoutErrors: rose from 0.2 to 14.1", alert_count=1),
            alerts=(replace(anomaly(), status=AlertStatus.RESOLVED),),
            deliveries=2,
            truncated=0,
        ),
        "alert_anomaly_joined": AlertCard(
            incident=incident(alert_count=2, firing_count=2), alerts=(alert(), anomaly()), deliveries=2, truncated=0
        ),
        "alert_by_hand": AlertCard(
            incident=incident(
                title="checkout returns 502 since 09:10",
                severity=Severity.UNKNOWN,
                service="",
                environment="",
                state=IncidentState.RECEIVED,
            ),
            alerts=(),
            deliveries=1,
            truncated=0,
            requested_by="U0ANA",
        ),
        "alert_hostile": AlertCard(
            incident=incident(title=HOSTILE * 5, service=HOSTILE * 3, environment=HOSTILE, id=HOSTILE),
            alerts=tuple(
                alert(name=HOSTILE, summary=HOSTILE * 10, generator_url="javascript:alert(1)") for _ in range(30)
            ),
            deliveries=9,
            truncated=1,
            requested_by=HOSTILE,
        ),
        "progress_running": Progress(
            incident_id="INC-7",
            title="Investigating",
            finished=False,
            tasks=_tasks(states.COMPLETE, states.IN_PROGRESS, states.IN_PROGRESS, states.PENDING),
        ),
        "progress_done": Progress(
            incident_id="INC-7",
            title="Worked for 9 s",
            finished=True,
            tasks=_tasks(states.COMPLETE, states.COMPLETE, states.ERROR, states.COMPLETE),
        ),
        "progress_hostile": Progress(
            incident_id="INC-7",
            title=HOSTILE * 10,
            finished=False,
            tasks=tuple(
                Task(id="same", title=HOSTILE * 10, state=TaskState.IN_PROGRESS, output=HOSTILE * 30) for _ in range(80)
            ),
        ),
        "evidence": evidence_post(pack()),
        "evidence_many": evidence_post(
            replace(
                pack(),
                evidence=tuple(evidence(n, EvidenceKind.LOG, f"template {n} surged 5 times") for n in range(1, 31)),
            )
        ),
        "evidence_none": evidence_post(replace(pack(), evidence=())),
        "evidence_hostile": evidence_post(hostile_pack()),
        "hypothesis": hypothesis_card(assessment()),
        "hypothesis_offline": hypothesis_card(
            assessment(
                analyst="offline analyst",
                prompt=None,
                usage=Usage(),
                notes=("The model did not answer within 30 s; the offline analyst answered.",),
            )
        ),
        "hypothesis_unknown": hypothesis_card(
            assessment(
                hypotheses=(unknown,),
                first_action=None,
                ruled_out=(),
                summary="Errors rose on payments, and nothing that could be looked at explains it.",
            ),
            runbook_title="",
        ),
        "hypothesis_healthy": hypothesis_card(
            assessment(hypotheses=(healthy,), first_action=None, summary="payments behaves as it did before the alert.")
        ),
        "hypothesis_empty": hypothesis_card(assessment(hypotheses=(), first_action=None, ruled_out=(), summary="")),
        "hypothesis_hostile": hypothesis_card(hostile_assessment(), pack=hostile_pack(), runbook_title=HOSTILE * 5),
        "similar": SimilarPost(incident_id="INC-7", found=similar()),
        "similar_none": SimilarPost(incident_id="INC-7", found=SimilarFound(incidents=(), searched=32)),
        "similar_hostile": SimilarPost(incident_id="INC-7", found=hostile_similar),
        "notice": Notice(
            incident_id="INC-7",
            text="The investigation (INV-7) could not be finished: the model refused <https://evil.example|this>.",
        ),
        "notice_hostile": Notice(incident_id="INC-7", text=HOSTILE * 90),
    }
