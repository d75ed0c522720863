"""A team's ordinary Markdown becomes records, whatever its form."""

import os

import pytest
import yaml

from bot.adapters.postmortems import PostmortemFiles, load_postmortem, load_postmortems
from bot.core.errors import ConfigError


def written(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_sections_are_found_by_what_their_headings_are_called(tmp_path):
    path = written(
        tmp_path,
        "2023/outage.md",
        "# Checkout was down (2023-04-05)\nOn a Monday.\n\n## Impact\nCarts were lost.\n### Detection\nA page at 09:12.\n"
        "## Timeline\n09:10 a release.\n\nRoot Cause\n----------\nThe pool [leaked](https://example.com/1).\n"
        "```\n# no heading\n```\n## Mitigation and recovery\nRolled back.\n\n**Lessons learned**\n\nTest the pool.\n",
    )

    one = load_postmortem(path, tmp_path)

    assert (one.id, one.title, one.date) == ("2023/outage", "Checkout was down (2023-04-05)", "2023-04-05")
    assert one.symptom == "Carts were lost. A page at 09:12. On a Monday. 09:10 a release."
    assert one.cause == "The pool leaked. ``` # no heading ```"
    assert (one.fix, one.lesson) == ("Rolled back.", "Test the pool.")


def test_a_text_without_known_sections_is_symptom_and_cause(tmp_path):
    one = load_postmortem(written(tmp_path, "2021-07-01-dns_gone.md", "Names did not resolve.\n\n## Who\nAna.\n"))

    assert (one.title, one.date) == ("2021 07 01 dns gone", "2021-07-01")
    assert one.symptom == one.cause == "Names did not resolve. Ana."
    assert one.cause_class == "unknown"


def test_front_matter_is_read_by_common_names_and_unknown_keys_do_not_matter(tmp_path):
    text = (
        "---\ntitle: Queue stuck\nservices: [orders, billing]\nsev: 2\ntags: queue, retry\nurl: javascript:alert(1)\n"
        "author: {name: Ana}\ncause_class: Deploy\ndate: 2022-02-03\n---\n## Summary\nNothing moved.\n"
    )

    one = load_postmortem(written(tmp_path, "a.md", text))

    assert (one.title, one.service_kind, one.severity, one.date) == ("Queue stuck", "orders", "2", "2022-02-03")
    assert (one.tags, one.source, one.cause_class) == (("queue", "retry"), "", "deploy")


def test_the_date_of_a_template_counts_before_the_files_own_time_and_a_checkout_has_none(tmp_path):
    told = written(tmp_path, "told.md", "# Outage\n\n**Date**: 2015-10-21\n\nAll was away.\n")
    bare = written(tmp_path, "bare.md", "All was away.\n")
    fetched = written(tmp_path / "clone", "bare.md", "All was away.\n")
    (tmp_path / "clone" / ".git").mkdir()
    os.utime(bare, (1_600_000_000, 1_600_000_000))

    assert [load_postmortem(path).date for path in (told, bare, fetched)] == ["2015-10-21", "2020-09-13", ""]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("---\ntitle: [\n---\nText.\n", ":2: "),
        ("---\ntitle: Only a title\n---\n", ":1: says neither"),
        ("---\nid: incident:INC-1\n---\nText.\n", "one of the bot's own records"),
    ],
)
def test_a_file_that_says_nothing_or_cannot_be_read_is_refused_with_its_line(tmp_path, text, problem):
    with pytest.raises(ConfigError, match=problem):
        load_postmortem(written(tmp_path, "a.md", text))


def test_a_bad_file_is_named_and_the_others_load_until_it_is_mended(tmp_path):
    files = PostmortemFiles([tmp_path])
    written(tmp_path, "good.md", "Good.\n")
    bad = written(tmp_path, "bad.md", "---\na: [\n---\n")

    first = files.load()
    bad.write_text("Mended now.\n", encoding="utf-8")

    assert [one.id for one in first.postmortems] == ["good"]
    assert len(first.problems) == 1
    assert [one.id for one in files.load().postmortems] == ["bad", "good"]
    assert files.load().problems == ()


def test_readmes_templates_and_hidden_folders_are_no_postmortems_and_an_id_belongs_to_one(tmp_path):
    for name in ("README.md", "postmortem-template.md", ".github/pull.md", "a/x.md", "b/x.md"):
        written(tmp_path, name, "---\nid: same\n---\nText.\n" if name.endswith("x.md") else "Text.\n")

    loaded = load_postmortems([tmp_path])

    assert [one.id for one in loaded.postmortems] == ["same"]
    assert loaded.problems[0].endswith(f"b/x.md:1: id 'same' is taken by {tmp_path}/a/x.md")


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    written(tmp_path, "elsewhere/secret.md", "A secret.\n")
    folder = tmp_path / "reviews"
    folder.mkdir()
    (folder / "link.md").symlink_to(tmp_path / "elsewhere" / "secret.md")

    loaded = load_postmortems([folder])

    assert loaded.postmortems == ()
    assert "leads out of" in loaded.problems[0]


def test_a_file_written_anew_with_the_same_size_and_time_is_read_again(tmp_path):
    files, path = PostmortemFiles([tmp_path]), written(tmp_path, "a.md", "Pods died.\n")
    was = path.stat()
    first = files.load()
    path.write_text("Pods hung.\n", encoding="utf-8")
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))

    assert [one.symptom for one in first.postmortems] == ["Pods died."]
    assert [one.symptom for one in files.load().postmortems] == ["Pods hung."]


def test_a_file_is_read_once_unless_it_changes_and_once_more_when_it_has_only_just_been_written(tmp_path, monkeypatch):
    files, path = PostmortemFiles([tmp_path]), written(tmp_path, "a.md", "Pods died.\n")
    monkeypatch.setattr("bot.adapters.postmortems._FRESH_NS", 10**18)
    fresh, again = files.load().postmortems[0], files.load().postmortems[0]
    monkeypatch.setattr("bot.adapters.postmortems._FRESH_NS", 0)
    settled = files.load().postmortems[0]

    assert fresh == again == settled
    assert fresh is not again
    assert files.load().postmortems[0] is settled
    path.write_text("Pods hung.\n", encoding="utf-8")
    assert files.load().postmortems[0].symptom == "Pods hung."


def test_files_come_in_the_order_of_their_folders_and_what_is_linked_is_no_folder(tmp_path):
    for name in ("a-b/x.md", "a/x.md", "a.md", "b.md/c.md"):
        written(tmp_path, name, f"Text of {name}.\n")
    (tmp_path / "z").symlink_to(tmp_path / "a", target_is_directory=True)

    loaded = load_postmortems([tmp_path])

    assert [one.id for one in loaded.postmortems] == ["a/x", "a-b/x", "a", "b.md/c"]
    assert loaded.problems == (f"{tmp_path}/b.md: cannot be read: Is a directory",)


@pytest.mark.parametrize(
    "front", ["title: [", "a: b: c", 'a: "x', "b: *y", "\ta: 1", "date: 2024-13-45", "a: @b", "a: |\n  x\n y"]
)
def test_front_matter_is_refused_in_the_same_words_with_and_without_libyaml(tmp_path, monkeypatch, front):
    path = written(tmp_path, "a.md", f"---\n{front}\n---\nText.\n")
    told = load_postmortems([tmp_path]).problems
    monkeypatch.setattr("bot.adapters.postmortems._LOADER", yaml.SafeLoader)

    assert told == load_postmortems([tmp_path]).problems
    assert told[0].startswith(f"{path}:")
