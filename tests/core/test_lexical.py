"""BM25 over a handful of texts."""

from collections import Counter

import pytest

from bot.core.bm25 import Vocabulary
from bot.core.lexical import LexicalIndex
from bot.core.words import tokens

CORPUS = [
    "PostgreSQL refused connections: too many clients already, idle sessions held every slot",
    "The TLS certificate expired and every client failed the handshake",
    "Redis reached maxmemory and evicted session keys",
]


def index(corpus):
    vocabulary = Vocabulary()
    return LexicalIndex([vocabulary.counted(text) for text in corpus], vocabulary, k1=1.5, b=0.9)


def scores(corpus, text):
    return index(corpus).scores(Counter(tokens(text)), k3=3.0).tolist()


def test_the_text_with_the_rare_shared_words_comes_first():
    found = scores(CORPUS, "postgres connection slots exhausted by idle sessions")

    assert found[0] > found[2] > found[1] == 0


def test_spellings_of_one_thing_meet():
    assert tokens("k8s") == tokens("kubernetes")
    assert set(tokens("postgres")) == set(tokens("pg")) <= set(tokens("PostgreSQL"))
    assert tokens("connections") == tokens("connection")


def test_identifiers_are_found_whole_and_by_their_parts():
    assert {"=pgstatactivity", "stat", "activity"} <= set(tokens("pg_stat_activity"))


def test_a_word_becomes_the_same_tokens_every_time_and_however_long_it_is():
    long = "kube_pods_" * 10 + "restarts"

    assert tokens("KubePods restarts") == tokens("KubePods restarts") == ["=kubepods", "kubernetes", "pod", "restart"]
    assert tokens(long) == tokens(long) == ["=" + "kubepods" * 10 + "restarts", *["kubernetes", "pod"] * 10, "restart"]


def test_a_query_without_known_words_finds_nothing():
    assert not any(scores(CORPUS, "zebra giraffe"))


def test_an_empty_corpus_can_be_searched():
    assert scores([], "anything") == []


def test_a_word_that_came_later_does_not_disturb_an_index_that_was_made_before():
    vocabulary = Vocabulary()
    before = LexicalIndex([vocabulary.counted("disk full")], vocabulary, k1=1.5, b=0.9)
    vocabulary.counted("zebra")

    assert before.scores({"zebra": 1}, k3=3.0).tolist() == [0.0]
    assert before.idf("zebra") == 0
    assert not before.holds("zebra", 0)


def test_rare_words_weigh_more_than_common_ones():
    held = index([*CORPUS, "client client"])

    assert held.idf("redi") + held.idf("redis") > held.idf("client")


def test_words_that_no_text_has_count_against_a_match_but_identifiers_and_numbers_do_not():
    held = index(CORPUS)

    assert held.ceiling(["idle", "zebra"]) == pytest.approx(2 * held.idf("idle"))
    assert held.ceiling(["idle", "=zebrastripes", "97"]) == held.idf("idle")


def test_words_beyond_those_that_two_bytes_can_number_are_found():
    vocabulary = Vocabulary()
    texts = [
        vocabulary.numbered({f"w{word}": 1 for word in range(start, start + 100)}) for start in range(0, 66_000, 100)
    ]
    held = LexicalIndex([*texts, vocabulary.numbered({"w5": 2})], vocabulary, k1=1.5, b=0.9)

    assert [place for place in range(held.size) if held.holds("w65900", place)] == [659]
    assert held.scores({"w5": 1}, k3=3.0).nonzero()[0].tolist() == [0, 660]
