"""Similar past incidents: why each matched, what it was, what fixed it."""

from collections.abc import Sequence
from typing import Final

from bot.core.hypothesis import SimilarFound, SimilarIncident
from bot.core.postmortem import Origin
from bot.core.posts import SimilarPost, mark_of
from bot.core.text import plural
from bot.slack.views import blocks as b
from bot.slack.views.message import Message, Room, fitted
from bot.slack.views.text import Mrkdwn, code, percent, safe, web_link

SIMILAR_VOTE: Final = "vote_similar"
_SHOWN = 3
# What the link of a record leads to, by where the record comes from; files are the rest.
_LINKS: Final = {Origin.INCIDENT.value: "Open the thread", Origin.HISTORY.value: "Open the record"}


def similar_message(post: SimilarPost) -> Message:
    """The answer in a thread, with the incident it belongs to."""
    shown = post.found.incidents[:_SHOWN]
    asked = [_relevant(post.incident_id, shown)] if shown else []
    return similar_found(post.found, [code(post.incident_id, 60)], asked)


def _relevant(incident_id: str, shown: Sequence[SimilarIncident]) -> b.Section:
    """One small menu for all of them: which one helped, or that none is related."""
    marks = {mark_of(one): one for one in shown}
    options = [b.option(f"Helped: {one.title}", f"{mark}:{incident_id}") for mark, one in marks.items()]
    menu: b.Overflow = {
        "type": "overflow",
        "action_id": SIMILAR_VOTE,
        "options": [*options, b.option("Not related, any of them", f":{incident_id}")],
    }
    return b.section_with(Mrkdwn("Relevant?"), menu)


def similar_found(found: SimilarFound, small_print: Sequence[Mrkdwn] = (), asked: Sequence[b.Section] = ()) -> Message:
    """At most three, the best one open; an honest sentence when there is none."""
    incidents = found.incidents[:_SHOWN]
    if not incidents:
        title = f"Nothing similar in {plural(found.searched, 'record')}"

        def build_nothing(room: Room) -> Sequence[b.Block]:
            note = [safe(found.note, room.chars)] if found.note else []
            return [b.context([Mrkdwn(f"{title}."), *note, *small_print])]

        return fitted(f"{title}.", build_nothing)

    def build(room: Room) -> Sequence[b.Block]:
        drawers = [_drawer(incident, room, is_open=place == 0) for place, incident in enumerate(incidents)]
        return [
            b.header(f"Similar incidents ({len(incidents)})"),
            *drawers,
            *asked,
            b.context(_foot(found, small_print)),
        ]

    best = incidents[0]
    return fitted(f"Similar incidents: {best.title} ({percent(best.score)}). Fix then: {best.fix}", build)


def _drawer(incident: SimilarIncident, room: Room, *, is_open: bool) -> b.Container:
    facts = [incident.date, incident.organisation, incident.service_kind, f"{percent(incident.score)} alike"]
    pairs = (("Why it matched", incident.why), ("Cause", incident.cause), ("Fix", incident.fix))
    lines = [
        b.line(b.word(label, 40, bold=True), b.glue("  "), b.word(text, room.chars)) for label, text in pairs if text
    ]
    if web_link(incident.url):
        lines.append(
            b.line(b.rich_link(incident.url, _LINKS.get(incident.id.partition(":")[0], "Read the postmortem"), 80))
        )
    body = b.rich(*lines) if lines else b.paragraph("The record holds no more than its title.")
    return b.drawer(incident.title, [body], subtitle=" · ".join(fact for fact in facts if fact), is_open=is_open)


def _foot(found: SimilarFound, small_print: Sequence[Mrkdwn]) -> list[Mrkdwn]:
    searched = Mrkdwn(f"searched {plural(found.searched, 'record')}")
    return [*small_print, searched, *([safe(found.note, 300)] if found.note else [])]
