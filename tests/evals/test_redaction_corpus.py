"""The floor under redaction: what it finds today, it goes on finding."""

import json

import pytest

from bot.core.errors import ConfigError
from evals.redaction import report
from evals.redaction.innocent import innocent
from evals.redaction.measure import false_positives, leaks, missed, real_lines, recall
from evals.redaction.planted import planted

# Measured, not wished for (62 of 825): a few long order numbers pass as cards, code that hands a password on looks like
# one that is given, and base64 cannot be told from a secret.
MOST_FALSE_POSITIVES_PER_THOUSAND = 77


# Random ones that nothing names are told by how their letters change: measured with two seeds, the worse counts.
FLOORS = {"random, small letters": 0.93, "AWS secret key": 0.97, "random, mixed case": 0.98}


@pytest.mark.parametrize("seed", [7, 20261124])
def test_every_planted_secret_is_found_and_of_random_ones_nearly_all(seed):
    corpus = planted(seed=seed, per_form=8 if seed == 7 else 25)

    shares = recall(corpus)

    assert sum(share.of for share in shares.values()) == len(corpus) > 900
    assert {kind: share.rate for kind, share in shares.items() if share.rate < FLOORS.get(kind, 1.0)} == {}
    assert {one.kind for one in missed(corpus)} <= FLOORS.keys()


def test_innocent_lines_are_left_alone_as_far_as_they_are_today():
    shares = false_positives(innocent())
    hits, of = sum(one.hits for one in shares.values()), sum(one.of for one in shares.values())

    assert of > 700
    assert 1000 * hits / of <= MOST_FALSE_POSITIVES_PER_THOUSAND
    assert {kind: one.hits for kind, one in shares.items() if kind in {"kubernetes", "hashes and digests", "times and numbers", "about access, without any"}} == {
        "kubernetes": 0,
        "hashes and digests": 0,
        "times and numbers": 0,
        "about access, without any": 0,
    }  # fmt: skip


def test_the_same_seed_makes_the_same_corpus_and_another_seed_another():
    assert planted() == planted()
    assert [one.secret for one in planted(seed=1)] != [one.secret for one in planted(seed=2)]


def test_a_piece_of_a_secret_counts_as_a_leak_and_a_short_piece_does_not():
    assert leaks("key=wxyzabcdefgh…", "abcdefghijklmnop")
    assert leaks("card 4111 1111 1111 1111", "4111111111111111")
    assert not leaks("key=abcdefg", "abcdefghijklmnop")


def test_recorded_lines_are_counted_where_they_are(tmp_path):
    folder = tmp_path / "alert_payloads"
    folder.mkdir()
    rows = [{"log": "started\npassword=correct-horse"}, {"nested": [{"text": "started"}]}]
    (folder / "payloads.jsonl").write_text("\n".join(json.dumps(row) for row in rows))

    found = real_lines(tmp_path)

    assert (found.changed.hits, found.changed.of, found.kinds) == (1, 2, {"secret": 1})
    assert real_lines(tmp_path / "elsewhere") is None


def test_a_file_of_lines_in_another_shape_is_named(tmp_path):
    wrong = tmp_path / "innocent.yaml"
    wrong.write_text("- one\n")

    with pytest.raises(ConfigError, match=r"innocent\.yaml:1: a list of lines under the name of each kind"):
        innocent(wrong)


def test_the_report_says_how_many_and_that_recorded_lines_are_absent(tmp_path, capsys):
    assert report.main(["--data", str(tmp_path / "none")]) == 0
    said = capsys.readouterr().out

    assert "Planted secrets" in said
    assert "is not there, so none were read" in " ".join(said.split())
    assert report.main(["--data", str(tmp_path / "none"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["recorded"] is None
