"""Words about the root cause: what counts as saying it, and what is kept of it."""

import pytest

from bot.core.outcome import OutcomeForm
from bot.core.root_cause import CAUSE_LIMIT, LINKS_LIMIT, find_root_cause, form_problems, is_cut, links_in, tidied


@pytest.mark.parametrize(
    ("text", "words", "to"),
    [
        ("root cause: the pool", "the pool", ""),
        ("ROOT  Cause - the pool", "the pool", ""),
        ("Root-cause – the pool", "the pool", ""),
        ("*root cause:* the pool", "the pool", ""),
        ("*Root cause: the pool*", "the pool", ""),
        ("root cause:\nthe pool\n> a line of the log", "the pool\n> a line of the log", ""),
        ("> what was it?\nroot cause: the pool", "the pool", ""),
        ("thanks <@U0BOT>, root cause: the pool", "the pool", "U0BOT"),
        ("> root cause: the net\nno, <@U0BOT> root cause: the pool", "the pool", "U0BOT"),
        ("<@U0BOT> root cause: the pool", "the pool", "U0BOT"),
        ("<@U0BOT|aiops>, root cause: the pool", "the pool", "U0BOT"),
        ("root cause:", "", ""),
    ],
)
def test_it_is_found_whatever_the_case_and_the_formatting(text, words, to):
    found = find_root_cause(text)

    assert found is not None
    assert (found.words, found.to) == (words, to)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "root cause",
        "root cause analysis: tomorrow",
        "root cause-analysis tomorrow",
        "the root cause: unknown",
        "ana: root cause: x",
        "rootcause",
        "> root cause: the pool",
        "&gt; root cause: the pool",
        "  > root cause: the pool\nis that so?",
        "> <@U0BOT> root cause: the pool",
        "<@U0BOT> is that so?\n> root cause: the pool",
    ],
)
def test_other_words_are_left_alone(text):
    assert find_root_cause(text) is None


def test_what_is_kept_is_masked_capped_and_without_hidden_characters():
    secret = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
    form = OutcomeForm(
        cause=f" \u202ekey {secret} " + "x " * CAUSE_LIMIT,
        component="orders\ndb",
        links=("https://a.example/1", " https://a.example/1 ", "", *(f"https://a.example/{n}" for n in range(40))),
    )

    kept = tidied(form)

    assert secret not in kept.cause
    assert "\u202e" not in kept.cause
    assert len(kept.cause) <= CAUSE_LIMIT
    assert is_cut(form.cause)
    assert kept.component == "orders db"
    assert len(kept.links) == LINKS_LIMIT
    assert tidied(kept) == kept


def test_links_end_where_the_sentence_does():
    assert links_in("see https://a.example/x?y=1, (https://b.example/z). https://a.example/x?y=1") == (
        "https://a.example/x?y=1",
        "https://b.example/z",
    )


def test_a_form_without_a_cause_is_only_good_when_none_was_established():
    assert "cause" in form_problems(OutcomeForm(cause=" \n"))
    assert form_problems(OutcomeForm(cause="", established=False)) == {}
