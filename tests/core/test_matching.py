"""Which runbook an alert has: by name, by place, by words, or none."""

from dataclasses import replace

from bot.core.matching import FLOOR, Document, Question, RunbookMatcher
from bot.core.words import parts_of, tokens

DOCUMENTS = [
    Document(id="slots", title="Connections exhausted", location="db/slots.md", text="## Meaning\nNo connection slot is left.", alerts=("PostgresConnectionsExhausted",)),
    Document(id="redis", title="Redis", location="docs/redis/redis.md", text="Replicas, failover and memory of our caches."),
    Document(id="redis-home", title="Redis Service", location="docs/redis/README.md", text="Dashboards and owners."),
    Document(id="gitaly", title="Storage nodes", location="docs/gitaly/nodes.md", text="What to do when a file server is down."),
    Document(id="thanos", title="Compaction", location="docs/monitoring/compaction.md", text="thanos_compact_halted is 1 when compaction stopped."),
]  # fmt: skip
MATCHER = RunbookMatcher(DOCUMENTS)
ASKED = Question(name="", summary="", description="", expression="", labels={})


def best(**said):
    return MATCHER.search(replace(ASKED, **said), 1)[0]


def test_an_exact_name_is_certain_and_wins_over_any_likeness():
    match = best(name="PostgresConnectionsExhausted", summary="Redis replicas failover memory caches")

    assert (match.id, match.by_name, match.sure) == ("slots", True, 1.0)


def test_words_that_stand_together_tell_two_runbooks_of_the_same_words_apart():
    twins = RunbookMatcher(
        [
            Document(id="requests", title="A", location="a.md", text="Slow requests pile up and write locks are held."),
            Document(id="writes", title="B", location="b.md", text="Write requests are slow and locks pile up, held."),
        ]
    )

    found = twins.search(replace(ASKED, name="X", summary="write requests are slow"), 2)

    assert [one.id for one in found] == ["writes", "requests"]


def test_an_alert_without_a_summary_says_by_its_description_why_a_runbook_may_fit():
    assert "shares" in best(name="X", description="dashboards and owners of redis").why


def test_a_name_begins_with_what_its_runbook_is_called():
    match = best(name="RedisReplicasFlapping", summary="Redis replicas lose their master")

    assert match.id == "redis"
    assert not match.by_name
    assert match.sure >= FLOOR


def test_the_longer_beginning_wins():
    assert best(name="RedisServiceErrorsHigh", summary="Errors of the redis service").id == "redis-home"


def test_a_service_label_or_a_matcher_of_the_expression_leads_into_its_folder():
    by_label = best(name="FileServerDown", summary="down", labels={"service": "gitaly"})
    by_matcher = best(name="FileServerDown", summary="down", expression='up{type="gitaly"} == 0')

    assert by_label.id == by_matcher.id == "gitaly"
    assert "the alert's service" in by_label.why


def test_the_service_that_the_sender_named_leads_into_its_folder_and_other_labels_may_name_it():
    read = best(name="FileServerDown", summary="down", service="Gitaly")
    other = {"summary": "down", "name": "FileServerDown", "labels": {"subsystem": "gitaly"}}

    assert read.id == best(**other, service_keys=("subsystem",)).id == "gitaly"
    assert "the alert's service" in read.why
    assert "the alert's service" not in best(**other).why


def test_metrics_of_the_expression_are_words_of_the_alert_and_functions_are_not():
    question = replace(ASKED, expression='max_over_time(thanos_compact_halted{job="x_y"}[5m]) by (pod_name) > 0')

    assert question.metrics == ("thanos_compact_halted",)
    assert MATCHER.search(question, 1)[0].id == "thanos"


def test_an_alert_about_something_else_stays_below_the_floor():
    assert best(name="CoffeeMachineEmpty", summary="No beans left in the kitchen").sure < FLOOR


def test_templates_that_were_not_filled_in_are_no_words():
    assert best(name="X", summary="{{ $labels.redis }} {{ $value }}").sure < FLOOR


def test_no_runbooks_have_no_match():
    assert RunbookMatcher([]).search(ASKED, 3) == []


def test_identifiers_are_one_word_and_their_parts_whatever_their_spelling():
    assert set(tokens("KubePodNotReady")) >= {"=kubepodnotready", "kubernetes", "pod", "ready"}
    assert set(tokens("TSDBHeadFull")) >= {"tsdb", "head"}
    assert tokens("disk_full") == tokens("DiskFull")
    assert parts_of("thanos-rule") == parts_of("ThanosRule")
