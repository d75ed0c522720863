"""Rule 25: escaping, references, and alert text that would notify people if it were repeated as it is."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slackbox.mrkdwn import link_names, normalise, parse_reference, references
from tests.slackbox.rules.office import office

ALERTS = {"channel": "C0ALERTS"}
TOKENS = [
    "<@U0ANA>", "<#C0ALERTS|alerts>", "<!subteam^S0ONCALL>", "<!here>", "<https://example.com?a=1&b=2|link>",
    "<!date^1700000000^{date} at {time}|then>", "&", "<", ">", "&amp;", "&lt;", "a", "\n", "@", "!", "|", "^",
]  # fmt: skip


@pytest.mark.slack_rule(25)
@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("already &amp; &lt;escaped&gt;", "already &amp; &lt;escaped&gt;"),
        ("&copy; is no entity here", "&amp;copy; is no entity here"),
        ("<@U0ANA> & <#C0ALERTS|alerts>", "<@U0ANA> &amp; <#C0ALERTS|alerts>"),
        ("<https://example.com/?a=1&b=2|a & b>", "<https://example.com/?a=1&b=2|a & b>"),
        ("<mailto:ana@example.com|mail>", "<mailto:ana@example.com|mail>"),
        ("<!date^1700000000^{date_short}|14 Nov>", "<!date^1700000000^{date_short}|14 Nov>"),
        ("<!date^1700000000^{date_short}>", "&lt;!date^1700000000^{date_short}&gt;"),
        ("<b>bold</b> <script>", "&lt;b&gt;bold&lt;/b&gt; &lt;script&gt;"),
        ("> quoted", "&gt; quoted"),
    ],
)
async def test_what_is_no_reference_is_stored_as_entities(text, stored):
    async with office() as desk:
        sent = await desk.ok("chat.postMessage", **ALERTS, text=text)
        await desk.box.post(user="ana", channel="alerts", text=text)
        assert sent["message"]["text"] == stored
        assert [each["text"] for each in (await desk.ok("conversations.history", **ALERTS))["messages"]] == [stored] * 2
        assert [each["text"] for each in await desk.events("message")] == [stored] * 2


@pytest.mark.slack_rule(25)
@given(text=st.lists(st.sampled_from(TOKENS), max_size=12).map("".join))
def test_storing_twice_changes_nothing_and_loses_no_reference(text):
    once = normalise(text)
    assert normalise(once) == once
    assert references(once) == references(text)
    assert html.unescape(once) == html.unescape(text)


@pytest.mark.slack_rule(25)
@pytest.mark.parametrize(
    ("inner", "kind", "target", "label"),
    [
        ("@U0ANA", "user", "U0ANA", None),
        ("@W0ANA|ana", "user", "W0ANA", "ana"),
        ("#C0ALERTS|alerts", "channel", "C0ALERTS", "alerts"),
        ("!subteam^S0ONCALL|@oncall", "group", "S0ONCALL", "@oncall"),
        ("!channel", "special", "channel", None),
        ("!date^1700000000^{date}^https://example.com|then", "date", "1700000000^{date}^https://example.com", "then"),
        ("https://example.com|here", "link", "https://example.com", "here"),
        ("mailto:a@example.com", "link", "mailto:a@example.com", None),
    ],
)
def test_mentions_links_and_dates_are_understood(inner, kind, target, label):
    found = parse_reference(inner)
    assert (found.kind, found.target, found.label) == (kind, target, label)


@pytest.mark.slack_rule(25)
@pytest.mark.parametrize(
    "inner", ["@ana", "#alerts", "!nobody", "!date^soon^{date}|x", "!subteam^oncall", "javascript:x"]
)
def test_what_only_looks_like_a_reference_is_none(inner):
    assert parse_reference(inner) is None


@pytest.mark.slack_rule(25)
@pytest.mark.parametrize("ping", ["<!channel>", "<!here|here>", "<@U0ANA>", "<!subteam^S0ONCALL>"])
@pytest.mark.parametrize("form", ["text", "attachment", "escaped"])
async def test_alert_text_that_would_notify_people_is_flagged_when_it_is_repeated_unescaped(ping, form):
    async with office() as desk:
        alert = {
            "text": {"text": f"disk full {ping}"},
            "attachment": {"attachments": [{"fallback": "x", "fields": [{"title": "who", "value": f"{ping} now"}]}]},
            "escaped": {"text": f"disk full {html.escape(ping)}"},
        }[form]
        await desk.box.alert(channel="alerts", **alert)
        await desk.ok("chat.postMessage", **ALERTS, text=f"The alert says: {html.escape(ping)}")
        assert desk.box.violations() == []
        await desk.ok("chat.postMessage", **ALERTS, text=f"The alert says: {ping}")
        (found,) = desk.box.violations("unescaped_text_pings")
    assert found["references"] == [ping.replace("|here", "")]


@pytest.mark.slack_rule(25)
async def test_a_ping_hidden_in_blocks_is_flagged_but_plain_text_pings_nobody():
    def header(text):
        return {"type": "header", "text": {"type": "plain_text", "text": text}}

    def section(text):
        return {"type": "section", "text": {"type": "mrkdwn", "text": text}}

    async with office() as desk:
        await desk.box.alert(channel="alerts", text="<@U0ANA> look")
        await desk.ok("chat.postMessage", **ALERTS, text="x", blocks=[header("<@U0ANA>")])
        assert desk.box.violations() == []
        ts = (await desk.ok("chat.postMessage", **ALERTS, text="x", blocks=[section("<@U0ANA> look")]))["ts"]
        await desk.ok("chat.update", **ALERTS, ts=ts, text="x", blocks=[section("again <@U0ANA>")])
        assert len(desk.box.violations("unescaped_text_pings")) == 2


@pytest.mark.slack_rule(25)
async def test_a_mention_that_nobody_elses_text_brought_in_is_the_bots_own_decision():
    async with office() as desk:
        await desk.box.post(user="ana", channel="alerts", text="ask <@U0BEN>")
        await desk.ok("chat.postMessage", **ALERTS, text="<@U0BEN>, ana asks for you")
        assert desk.box.violations() == []


@pytest.mark.slack_rule(25)
async def test_references_to_nobody_and_broken_ones_are_recorded():
    async with office() as desk:
        await desk.ok("chat.postMessage", **ALERTS, text="<@U0GHOST> <#C0GONE> <!subteam^S0NONE> <@U0ANA>")
        await desk.ok("chat.postMessage", **ALERTS, text="<@ana> <!date^today^{date}|today>")
        (nobody,) = desk.box.violations("reference_to_nothing")
        (broken,) = desk.box.violations("malformed_reference")
    assert nobody["references"] == ["<!subteam^S0NONE>", "<#C0GONE>", "<@U0GHOST>"]
    assert broken["references"] == ["<@ana>", "<!date^today^{date}|today>"]


@pytest.mark.slack_rule(25)
async def test_plain_names_become_references_only_when_asked_for():
    async with office() as desk:
        text = "@ana @oncall @here @nobody mail@ana.example"
        kept = await desk.ok("chat.postMessage", **ALERTS, text=text)
        linked = await desk.ok("chat.postMessage", **ALERTS, text=text, link_names=True)
        full = await desk.ok("chat.postMessage", **ALERTS, text=text, parse="full")
        assert kept["message"]["text"] == text
        assert linked["message"]["text"] == "<@U0ANA> <!subteam^S0ONCALL> <!here> @nobody mail@ana.example"
        assert full["message"]["text"] == linked["message"]["text"]
        assert len(desk.box.violations("pings_everyone")) == 2


def test_names_inside_references_are_left_alone():
    assert link_names("<@U0ANA|@ana> @ana.", {"ana": "<@U0ANA>"}) == "<@U0ANA|@ana> <@U0ANA>."
