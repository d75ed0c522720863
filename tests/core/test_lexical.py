"""BM25 over a handful of texts."""

from bot.core.lexical import LexicalIndex, tokens

CORPUS = [
    "PostgreSQL refused connections: too many clients already, idle sessions held every slot",
    "The TLS certificate expired and every client failed the handshake",
    "Redis reached maxmemory and evicted session keys",
]


def test_the_text_with_the_rare_shared_words_comes_first():
    best = LexicalIndex(CORPUS).search("postgres connection slots exhausted by idle sessions", 3)[0]

    assert best.place == 0
    assert {"postgresql", "connection", "slot", "idle"} <= set(best.terms)


def test_spellings_of_one_thing_meet():
    assert tokens("k8s") == tokens("kubernetes")
    assert tokens("postgres") == tokens("PostgreSQL")
    assert tokens("connections") == tokens("connection")


def test_identifiers_are_found_whole_and_by_their_parts():
    assert {"pg_stat_activity", "stat", "activity"} <= set(tokens("pg_stat_activity"))


def test_a_query_without_known_words_finds_nothing():
    assert LexicalIndex(CORPUS).search("zebra giraffe", 3) == []


def test_an_empty_corpus_can_be_searched():
    assert LexicalIndex([]).search("anything", 3) == []


def test_scores_are_shares_of_what_was_possible():
    assert all(0 < match.score <= 1 for match in LexicalIndex(CORPUS).search(CORPUS[0], 3))
