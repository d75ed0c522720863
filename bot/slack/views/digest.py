"""The weekly eval digest: the number that matters first, what went wrong, what is missing, what changed."""

from collections.abc import Mapping, Sequence
from typing import Final

from bot.core import figures
from bot.core.digest import (
    Digest,
    Group,
    Miss,
    Unlabelled,
    facts,
    headline,
    judge_words,
    model_words,
    week_words,
)
from bot.core.posts import DigestDetails, DigestPost
from bot.core.scores import WEEKS, Bin
from bot.core.text import clip, one_line, plural
from bot.slack.views import blocks as b
from bot.slack.views.charts import Chart, bar_chart
from bot.slack.views.message import TEXT_LIMIT, Message, Room, and_more, fitted
from bot.slack.views.outcome import LABEL_NEXT, label_button
from bot.slack.views.tables import action_cell, data_table, number_cell
from bot.slack.views.text import Mrkdwn, code, link, local_time, safe

VIEW_DETAILS: Final = "digest_details"
CHART_TITLE: Final = "Hypotheses a week, by what became of them"
_CELL: Final = 90
_CLASSES: Final = 10


def digest_message(post: DigestPost) -> Message:
    """Verdict first; the details stand in its thread."""
    digest, links = post.digest, dict(post.links)
    said = headline(digest)
    if digest.empty:
        shown = safe(said, 500)
        return Message(text=shown, blocks=(b.section(shown), b.context(_small_print(digest))))

    def build(room: Room) -> Sequence[b.Block]:
        made: list[b.Block] = [b.header(said), *_meaning(digest)]
        if any(one.helpful or one.missed or one.abstained or one.harmful for one in digest.scores.weeks):
            made.append(weekly_chart(digest))
        made += _misses(digest.misses, links)
        made += _unlabelled(digest, links)
        made += _changes(digest.changes, room)
        made.append(_buttons(digest))
        made.append(b.context(_small_print(digest)))
        return made

    return fitted(safe(f"Digest of {week_words(digest)}. {said}.", TEXT_LIMIT), build)


def digest_asked(digest: Digest) -> Message:
    """The receipt for /aiops digest."""
    text = Mrkdwn(
        f"The digest of {safe(week_words(digest), 60)} follows here, for everybody in this channel. "
        "If it does not come, invite me first: `/invite @aiops`."
    )
    return Message(text=text, blocks=(b.section(text),))


def weekly_chart(digest: Digest) -> Chart:
    """One group of bars a week; what has no grade yet is left out."""
    weeks = digest.scores.weeks
    return bar_chart(
        CHART_TITLE,
        [one.name.partition("-")[2] for one in weeks],
        {
            "Helpful": [one.helpful for one in weeks],
            "Missed": [one.missed for one in weeks],
            "Abstained": [one.abstained for one in weeks],
            "Harmful": [one.harmful for one in weeks],
        },
        x_label="ISO week",
        y_label="Hypotheses",
    )


def _meaning(digest: Digest) -> list[b.Block]:
    """What to read the headline with; a model that is no better than none comes first."""
    model, warning = model_words(digest)
    beside = b.fields([(label, safe(words, 200)) for label, words in facts(digest)])
    compared: list[b.Block] = []
    if model:
        compared = [b.section(Mrkdwn(f"*Warning:* {_with_code(model)}") if warning else _with_code(model))]
    held = [*compared, beside] if warning else [beside, *compared]
    return [b.context([Mrkdwn(f"*Digest of {safe(week_words(digest), 60)}*"), Mrkdwn("details in the thread")]), *held]


def _with_code(text: str) -> Mrkdwn:
    """Our own sentence, in which a command may stand between backticks."""
    parts = text.split("`")
    return Mrkdwn("".join(code(part, 200) if place % 2 else _kept(part) for place, part in enumerate(parts)))


def _kept(text: str) -> str:
    lead, tail = " " * text[:1].isspace(), " " * (len(text) > 1 and text[-1:].isspace())
    return f"{lead}{safe(text, 1_200)}{tail}" if text.strip() else text


def _misses(misses: Sequence[Miss], links: Mapping[str, str]) -> list[b.Block]:
    if not misses:
        return []
    rows = [
        [
            b.line(_thread(one.incident_id, links)),
            # Before the texts, so that it can be pressed where a narrow window cuts the table off.
            action_cell(_correct(one, place), "reply in its thread"),
            number_cell(one.confidence, figures.share(one.confidence)),
            clip(one_line(one.said), _CELL) or "–",
            clip(one_line(one.actual), _CELL) or "–",
            number_cell(one.grade, str(one.grade)),
        ]
        for place, one in enumerate(misses, start=1)
    ]
    head = ["Incident", "Root cause", "Sure", "Said", "It was", "Grade"]
    return [data_table("Worst misses: wrong and sure first", head, rows, page_size=len(rows))]


def _correct(miss: Miss, place: int) -> b.Button:
    """A block may hold each action id once, so the place in the table is part of it."""
    button = label_button(miss.incident_id, "Correct" if miss.actual else "Label")
    return {**button, "action_id": f"{button['action_id']}.{place}"}


def _buttons(digest: Digest) -> b.Actions:
    details = b.button("View Details", action_id=VIEW_DETAILS, value=digest.week)
    if not digest.unlabelled_count:
        return b.actions(details)
    return b.actions(details, b.button("Label Next", action_id=LABEL_NEXT, value=digest.week))


def _thread(incident_id: str, links: Mapping[str, str]) -> b.RichElement:
    return b.rich_link(links.get(incident_id, ""), incident_id, 60)


def _unlabelled(digest: Digest, links: Mapping[str, str]) -> list[b.Block]:
    count = digest.unlabelled_count
    if not count:
        return []
    told = plural(count, "incident")
    made: list[b.Block] = [b.section(Mrkdwn(f"*Root cause missing:* {told}, newest first"))]
    made += [b.section_with(_open_line(one, links), label_button(one.incident_id)) for one in digest.unlabelled]
    hidden = count - len(digest.unlabelled)
    if hidden > 0:
        made.append(b.context([Mrkdwn(f"{hidden} more on the Home tab, and in `aiops outcome list --unlabelled`")]))
    return made


def _open_line(one: Unlabelled, links: Mapping[str, str]) -> Mrkdwn:
    address = links.get(one.incident_id, "")
    name = link(address, one.incident_id, 60) if address else code(one.incident_id, 60)
    return Mrkdwn(f"{name} {safe(one.title, 150)}")


def _changes(changes: Sequence[str], room: Room) -> list[b.Block]:
    if not changes:
        return [
            b.context([Mrkdwn("Nothing changed this week: the same prompts, model, runbooks and levels of autonomy")])
        ]
    shown = changes[: min(8, room.items)]
    lines = [b.line(b.word(one, min(room.chars, 200))) for one in shown]
    lines += and_more(len(changes) - len(shown), "change")
    return [b.rich(b.line(b.word("Changed this week", 40, bold=True)), b.bullets(lines))]


def _small_print(digest: Digest) -> list[Mrkdwn]:
    return [
        Mrkdwn(f"model cost this week {figures.dollars(digest.cost_usd)}"),
        safe(digest.index, 200),
        safe(f"audit log {digest.audit_head}", 100),
        Mrkdwn(f"as of {local_time(digest.made_at)}"),
    ]


# --- the reply with the details --------------------------------------------------------------------------------------


def details_message(post: DigestDetails) -> Message:
    """Everything else, with its n."""
    digest = post.digest

    def build(room: Room) -> Sequence[b.Block]:
        made: list[b.Block] = [b.header(f"Details of {week_words(digest)}"), *_calibration(digest)]
        made.append(b.fields(_numbers(digest)))
        made.append(b.fields(_work(digest)))
        made += _groups("By class of alert", digest.classes, room)
        made += _groups("By analyst", digest.analysts, room)
        made += _classifier(digest.classifier, room)
        made.append(b.context(_how(digest)))
        return made

    return fitted(f"Details of the digest of {week_words(digest)}: calibration, timings, approvals, runbooks.", build)


def _calibration(digest: Digest) -> list[b.Block]:
    bins = digest.scores.reliability
    if not bins:
        return [
            b.section(
                Mrkdwn(
                    "*Is the confidence right?* Not known yet: three bins need 18 graded hypotheses, and there are "
                    f"{digest.scores.helpful.n}."
                )
            )
        ]
    rows = [_bin(one) for one in bins]
    head = ["Confidence", "Mean", "Helped", "90 % interval", "n"]
    return [
        b.section(Mrkdwn("*Is the confidence right?* What was said beside how often it helped")),
        b.table(head, rows),
    ]


def _bin(one: Bin) -> list[str]:
    held = one.helped.interval
    between = f"{round(held.low * 100)}–{figures.share(held.high)}" if held else "–"
    spread = f"{round(one.lowest * 100)}–{figures.share(one.highest)}"
    helped = figures.share(one.helped.value) if one.helped.value is not None else "–"
    return [spread, figures.share(one.said), helped, between, str(one.helped.n)]


def _numbers(digest: Digest) -> list[tuple[str, Mrkdwn]]:
    scores = digest.scores
    return [
        ("Brier score (0 is perfect)", safe(figures.figure_words(scores.brier, figures.decimal), 200)),
        ("Skill against the base rate", safe(figures.figure_words(scores.skill, figures.decimal), 200)),
        ("Exact", safe(figures.rate_words(scores.exact), 200)),
        ("Harmful", safe(figures.rate_words(scores.harmful), 200)),
        ("Abstained", safe(figures.rate_words(scores.abstained), 200)),
        ("No cause established", Mrkdwn(f"{scores.not_established} of {scores.labelled.hits} labelled")),
        ("Judge and people", safe(judge_words(digest), 300)),
        ("Similar incidents useful", safe(figures.rate_words(scores.similar_relevant), 200)),
    ]


def _work(digest: Digest) -> list[tuple[str, Mrkdwn]]:
    scores, actions = digest.scores, digest.scores.actions
    return [
        ("Alert to evidence", safe(figures.spread_words(scores.evidence_seconds, figures.seconds), 200)),
        ("Alert to hypothesis", safe(figures.spread_words(scores.hypothesis_seconds, figures.seconds), 200)),
        ("Mean model cost per incident", safe(figures.figure_words(scores.cost_mean_usd, figures.dollars), 200)),
        ("Model cost per incident", safe(figures.spread_words(scores.cost_usd, figures.dollars), 200)),
        ("Approvals asked", Mrkdwn(str(actions.asked))),
        ("Denied", safe(figures.rate_words(actions.rejected), 200)),
        ("Expired", safe(figures.rate_words(actions.expired), 200)),
        ("Runbook runs that worked", safe(figures.rate_words(actions.succeeded), 200)),
    ]


def _groups(title: str, groups: Sequence[Group], room: Room) -> list[b.Block]:
    if not groups:
        return []
    shown = groups[: min(_CLASSES, room.items)]
    lines = [
        b.line(b.word(one.name, min(room.chars, 100), mono=True), b.glue(f"  {figures.rate_words(one.helpful)}"))
        for one in shown
    ]
    lines += and_more(len(groups) - len(shown), "group")
    return [b.rich(b.line(b.word(f"{title}: helpful", 60, bold=True)), b.bullets(lines))]


def _classifier(said: Sequence[str], room: Room) -> list[b.Block]:
    if not said:
        return []
    shown = said[: room.items]
    lines = [b.line(b.word(one, min(room.chars, 300))) for one in shown] + and_more(len(said) - len(shown), "finding")
    return [b.rich(b.line(b.word("What misses have in common", 60, bold=True)), b.bullets(lines))]


def _how(digest: Digest) -> list[Mrkdwn]:
    scores = digest.scores
    return [
        Mrkdwn(f"first hypotheses posted: {scores.calls}"),
        Mrkdwn(f"{WEEKS} ISO weeks, {scores.since:%Y-%m-%d} to {scores.until:%Y-%m-%d}, UTC"),
        Mrkdwn("helpful: grade 65 or better; shares with Jeffreys' intervals, the table with Wilson's"),
        Mrkdwn("`aiops digest` shows the same in a terminal"),
    ]
