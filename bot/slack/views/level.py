"""A class of alert rose or fell; with a fall, why: what was said, what was true, and which evidence held it."""

from collections.abc import Sequence

from bot.core.policy import Level
from bot.core.posts import LevelChange
from bot.core.review import Reviewed
from bot.core.text import plural
from bot.slack.views import blocks as b
from bot.slack.views.message import Message, Room, fitted
from bot.slack.views.text import Mrkdwn, code, safe, utc

_WORDS = {
    Level.ADVISORY: "advice only",
    Level.APPROVED: "acting after approval",
    Level.AUTONOMOUS: "acting by itself where nothing is destroyed",
}
RUNBOOK = "runbooks/aiops/aiops-wrong-hypothesis-investigation.md"


def level_message(change: LevelChange) -> Message:
    """Verdict first; the investigation pack as a table with one column per incident."""
    fell = change.after is Level.ADVISORY
    subject = change.alert_class + (f" with {change.runbook}" if change.runbook else "")
    verdict = f"{subject}: {'back to ' if fell else ''}{_WORDS[change.after]}"

    def build(room: Room) -> Sequence[b.Block]:
        made: list[b.Block] = [b.header(verdict), b.paragraph(_sentence(change), room.chars * 2)]
        if change.pack:
            made.append(_side_by_side(change.pack))
            made.append(b.drawer("Evidence that was retrieved", [_retrieved(one, room) for one in change.pack]))
        made.append(b.context(_small_print(change)))
        return made

    return fitted(safe(f"{verdict}. {_sentence(change)}", 2_000), build)


def _sentence(change: LevelChange) -> str:
    why = f"{change.why[:1].upper()}{change.why[1:]}."
    if change.after is Level.ADVISORY:
        return f"{why} Until new labels carry it up again, the bot only reads for these alerts, whatever aiops.yaml allows."
    if change.after is Level.AUTONOMOUS:
        return f"{why} aiops.yaml still decides how far it may go, and whatever is destructive still asks."
    return f"{why} What aiops.yaml allows, up to asking, holds again."


def _side_by_side(pack: Sequence[Reviewed]) -> b.Table:
    rows: list[tuple[str, Sequence[str]]] = [
        ("Said", [f"{one.said} ({one.confidence:.0%})" for one in pack]),
        ("It was", [one.actual for one in pack]),
        ("Grade", ["not graded" if one.grade is None else str(int(one.grade)) for one in pack]),
        ("Evidence", [one.finding for one in pack]),
        ("Prompt", [one.prompt for one in pack]),
        ("When", [utc(one.at) for one in pack]),
    ]
    return b.table(
        ["Incident", *(one.incident_id for one in pack)], [[name, *cells] for name, cells in rows], words=True
    )


def _retrieved(one: Reviewed, room: Room) -> b.RichText:
    head = b.line(b.word(one.incident_id, 40, bold=True), b.glue(f"  {plural(len(one.retrieved), 'finding')}"))
    lines = [b.line(b.word(title, room.chars)) for title in one.retrieved[: room.items]]
    lines += [b.line(b.glue("Points to it: "), b.word(f"{p.id}, {p.why}", room.chars)) for p in one.pointers[:4]]
    lines += [b.line(b.glue("Not looked at: "), b.word(f"{gap.what}: {gap.why}", room.chars)) for gap in one.gaps[:3]]
    return b.rich(head, b.bullets(lines)) if lines else b.rich(head)


def _small_print(change: LevelChange) -> list[Mrkdwn]:
    parts = [Mrkdwn(f"was: {_WORDS[change.before]}")]
    if change.pack:
        parts.append(code(f"aiops outcome review {change.alert_class}", 120))
        parts.append(code(RUNBOOK, 120))
    return parts
