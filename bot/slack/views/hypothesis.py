"""The hypothesis card: the verdict first, what to do first, and what the verdict rests on."""

from collections.abc import Sequence

from bot.core.evidence import EvidenceKind, EvidencePack
from bot.core.hypothesis import Assessment, CauseClass, Claim, Confidence, Hypothesis
from bot.core.incident import IncidentState
from bot.core.posts import HypothesisCard
from bot.core.text import plural
from bot.slack.views import blocks as b
from bot.slack.views.message import Message, Room, and_more, fitted
from bot.slack.views.outcome import label_button
from bot.slack.views.settled import settled_line, settled_text
from bot.slack.views.text import Mrkdwn, code, local_time, percent, safe, utc

RUN_AGAIN = "run_again"
CLOSE_INCIDENT = "close_incident"
_CLOSING = "No alert will resolve it. What waits is cancelled, and you are asked what the root cause was."
_HIGH = 0.7
_MEDIUM = 0.45


def hypothesis_message(card: HypothesisCard) -> Message:
    """One message that is edited in place; it says openly when there is no conclusion."""
    assessment = card.assessment
    leader = assessment.hypotheses[0] if assessment.hypotheses else None
    verdict = _verdict(leader)

    def build(room: Room) -> Sequence[b.Block]:
        made: list[b.Block] = [b.header(verdict)]
        if card.settled is not None:
            made.append(b.section(settled_line(card.settled)))
        if assessment.summary.strip():
            made.append(b.paragraph(assessment.summary, room.chars * 2))
        made.append(b.fields(_fields(card, leader)))
        made += _first(card, leader, room)
        made += _evidence(card.pack, leader, room)
        made += _considered(assessment, room)
        made += _small_print(card)
        made.append(_buttons(card))
        return made

    return fitted(_text(card, leader, verdict), build)


def _buttons(card: HypothesisCard) -> b.Actions:
    buttons = [b.button("Run Again", action_id=RUN_AGAIN, value=card.incident.id)]
    if card.settled is None:
        # Once it is recorded, the record has a button to correct it.
        buttons.append(label_button(card.incident.id, "Record Root Cause"))
    if card.incident.by_hand and card.incident.state is not IncidentState.RESOLVED:
        close = b.button("Close Incident", action_id=CLOSE_INCIDENT, value=card.incident.id)
        buttons.append(b.with_confirm(close, "Close this incident?", _CLOSING, "Close Incident"))
    return b.actions(*buttons)


def is_conclusion(leader: Hypothesis | None) -> bool:
    """Whether a cause is named at all."""
    return leader is not None and leader.cause_class not in {CauseClass.UNKNOWN, CauseClass.NO_CAUSE}


def _verdict(leader: Hypothesis | None) -> str:
    if leader is None or leader.cause_class is CauseClass.UNKNOWN:
        return "No conclusion yet"
    if leader.cause_class is CauseClass.NO_CAUSE:
        return "Nothing looks wrong"
    likely = "Possible" if leader.confidence.value < _MEDIUM else "Likely"
    return f"{likely} cause: {leader.title}"


def _word(value: float) -> str:
    return "High" if value >= _HIGH else "Medium" if value >= _MEDIUM else "Low"


def _confidence(confidence: Confidence) -> Mrkdwn:
    number = f"{_word(confidence.value)} · {percent(confidence.value)}"
    return Mrkdwn(f"{number}\n{safe(confidence.basis, 200)}" if confidence.basis else number)


def _fields(card: HypothesisCard, leader: Hypothesis | None) -> list[tuple[str, Mrkdwn]]:
    incident = card.incident
    suspect = leader.suspect if leader is not None else None
    service = suspect.service if suspect is not None and suspect.service else incident.service
    pairs: list[tuple[str, Mrkdwn]] = []
    if leader is not None:
        pairs.append(("Confidence", _confidence(leader.confidence)))
    pairs.append(("Service", code(service, 200) if service else Mrkdwn("not named")))
    pairs.append(("Started", local_time(incident.started_at)))
    if suspect is not None and suspect.change_id:
        pairs.append(("Suspect change", _change(card.pack, suspect.change_id)))
    return pairs


def _change(pack: EvidencePack, change_id: str) -> Mrkdwn:
    """The change's id and what the evidence says about it."""
    found = next(
        (
            item
            for item in pack.evidence
            if item.kind is EvidenceKind.CHANGE and change_id in {item.facts.get("change_id"), item.facts.get("id")}
        ),
        None,
    )
    shown = code(change_id, 100)
    return Mrkdwn(f"{shown}\n{safe(found.title, 300)}") if found is not None else shown


def _first(card: HypothesisCard, leader: Hypothesis | None, room: Room) -> list[b.Block]:
    made: list[b.Block] = []
    action = card.assessment.first_action
    if action is not None:
        parts = [b.line(b.word("Do this first", 40, bold=True)), b.line(b.word(action.text, room.chars))]
        if action.runbook:
            elements: list[b.RichElement] = [b.glue("Runbook: "), b.word(action.runbook, 120, mono=True)]
            if card.runbook_title and card.runbook_title != action.runbook:
                elements += [b.glue("  "), b.word(card.runbook_title, 150)]
            if action.step:
                elements += [b.glue(", step "), b.word(action.step, 80, mono=True)]
            parts.append(b.line(*elements))
        made.append(b.rich(*parts))
    if leader is not None and leader.disconfirming_check.strip():
        label = "It would be wrong if" if is_conclusion(leader) else "What would tell"
        check = b.line(b.word(leader.disconfirming_check, room.chars))
        made.append(b.rich(b.line(b.word(label, 40, bold=True)), check))
    return made


def _claim_line(claim: Claim, room: Room) -> b.RichSection:
    elements: list[b.RichElement] = [b.word(claim.text, room.chars)]
    if claim.evidence:
        elements += [b.glue("  "), b.word(f"[{', '.join(claim.evidence)}]", 80, mono=True)]
    return b.line(*elements)


def _evidence(pack: EvidencePack, leader: Hypothesis | None, room: Room) -> list[b.Container]:
    if leader is None or not leader.claims:
        return []
    shown = leader.claims[: room.items]
    parts: list[b.RichPart] = [
        b.bullets([_claim_line(claim, room) for claim in shown] + and_more(len(leader.claims) - len(shown), "claim"))
    ]
    cited = [found for eid in leader.evidence_ids[: room.items] if (found := pack.find(eid)) is not None]
    if cited:
        parts.append(b.line(b.word("Where it was seen", 40, bold=True)))
        parts.append(
            b.bullets(
                [
                    b.line(
                        b.word(item.id, 12, mono=True),
                        b.glue("  "),
                        b.rich_link(item.url, item.title, room.chars),
                        b.glue("  "),
                        b.word(f"({item.source})", 80),
                    )
                    for item in cited
                ]
            )
        )
    return [b.drawer(f"Evidence ({len(leader.evidence_ids)})", [b.rich(*parts)])]


def _considered(assessment: Assessment, room: Room) -> list[b.Container]:
    others = assessment.hypotheses[1:]
    if not others and not assessment.ruled_out:
        return []
    children: list[b.Inner] = [_other(hypothesis, room) for hypothesis in others[:6]]
    if assessment.ruled_out:
        shown = assessment.ruled_out[: room.items]
        lines = [b.line(b.word(text, room.chars)) for text in shown]
        lines += and_more(len(assessment.ruled_out) - len(shown), "line")
        children.append(b.rich(b.line(b.word("Ruled out", 40, bold=True)), b.bullets(lines)))
    return [b.drawer(f"Also considered ({len(others) + len(assessment.ruled_out)})", children)]


def _other(hypothesis: Hypothesis, room: Room) -> b.RichText:
    lines: list[b.RichSection] = [_claim_line(claim, room) for claim in hypothesis.claims[: min(4, room.items)]]
    if hypothesis.disconfirming_check.strip():
        lines.append(b.line(b.glue("It would be wrong if: "), b.word(hypothesis.disconfirming_check, room.chars)))
    head = b.line(b.word(hypothesis.title, 200, bold=True), b.glue(f"  {percent(hypothesis.confidence.value)}"))
    return b.rich(head, b.bullets(lines)) if lines else b.rich(head)


def _small_print(card: HypothesisCard) -> list[b.Context]:
    assessment, usage = card.assessment, card.assessment.usage
    parts = [code(card.incident.id, 60), safe(assessment.analyst, 120)]
    if assessment.prompt is not None:
        parts.append(safe(f"prompt {assessment.prompt.name} v{assessment.prompt.version}", 100))
    parts.append(Mrkdwn(f"evidence up to {local_time(card.as_of)}"))
    if usage.tokens:
        parts.append(Mrkdwn(f"{usage.tokens:,} tokens, ${usage.cost_usd:.3f}, {plural(usage.steps, 'step')}"))
    else:
        parts.append(Mrkdwn("no tokens spent"))
    made = [b.context(parts)]
    if assessment.notes:
        made.insert(0, b.context([Mrkdwn("*Note:* " + " ".join(safe(note, 300) for note in assessment.notes[:5]))]))
    return made


def _text(card: HypothesisCard, leader: Hypothesis | None, verdict: str) -> str:
    parts = [settled_text(card.settled), verdict] if card.settled is not None else [verdict]
    if leader is not None and is_conclusion(leader):
        parts.append(f"{_word(leader.confidence.value)} confidence, {percent(leader.confidence.value)}")
    elif card.assessment.summary:
        parts.append(card.assessment.summary)
    if card.assessment.first_action is not None:
        parts.append(f"Do this first: {card.assessment.first_action.text}")
    return ". ".join(part.rstrip(". ") for part in parts) + f". Evidence up to {utc(card.as_of)}."
