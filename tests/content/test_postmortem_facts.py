"""The shipped postmortems keep to the form which the index and the similarity search rely on."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "postmortems"
FILES = sorted(FOLDER.glob("*.md"))
REQUIRED_KEYS = ["id", "title", "date", "organisation", "service_kind", "cause_class", "severity", "source"]
SECTIONS = ["Symptom", "Cause", "Fix", "Lesson"]
SHORTEST = {"Symptom": 80, "Cause": 40, "Fix": 40, "Lesson": 40}
CAUSE_CLASSES = {
    "deploy",
    "config",
    "feature_flag",
    "capacity",
    "dependency",
    "data",
    "infrastructure",
    "network",
    "security",
    "external",
    "unknown",
}
SEVERITIES = {"critical", "warning", "info"}
DATABASE_KINDS = {"postgresql", "mysql", "cassandra", "mongodb", "database"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One postmortem file, taken apart."""

    name: str
    front: dict[str, Any]
    sections: list[tuple[str, str]]

    @property
    def labels(self) -> set[str]:
        """What a reader may search by: the kind of service and the tags."""
        return {self.front["service_kind"], *self.front.get("tags", [])}


def read(path: Path) -> Written:
    """Split a file into front matter and second-level sections."""
    text = path.read_text(encoding="utf-8")
    opening, front, body = text.split("---\n", 2)
    assert opening == "", f"{path.name}: front matter must begin on the first line"
    before, *parts = re.split(r"^## (.+)$", body, flags=re.MULTILINE)
    assert before.strip() == "", f"{path.name}: text before the first section"
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return Written(
        name=path.name,
        front=yaml.safe_load(front),
        sections=[(heading.strip(), content.strip()) for heading, content in pairs],
    )


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def is_database(it: Written) -> bool:
    return it.front["service_kind"] in DATABASE_KINDS


def is_postgres_or_pool(it: Written) -> bool:
    return it.front["service_kind"] == "postgresql" or {"database", "pool"} <= it.labels


def labelled(*labels: str) -> Callable[[Written], bool]:
    return lambda it: bool(it.labels & set(labels))


@pytest.fixture(scope="module")
def corpus() -> list[Written]:
    return [read(path) for path in FILES]


each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@each_file
def test_a_postmortem_has_exactly_the_agreed_front_matter_keys_in_order(path: Path) -> None:
    keys = list(read(path).front)
    assert keys in (REQUIRED_KEYS, [*REQUIRED_KEYS, "tags"])


@each_file
def test_a_postmortem_id_names_its_file_its_organisation_and_its_date(path: Path) -> None:
    front = read(path).front
    assert front["id"] == path.stem
    pattern = rf"{re.escape(slug(front['organisation']))}-{front['date'].isoformat()}-[a-z0-9-]+"
    assert re.fullmatch(pattern, front["id"])


@each_file
def test_a_postmortem_date_is_a_real_day_that_is_not_in_the_future(path: Path) -> None:
    day = read(path).front["date"]
    assert type(day) is date
    assert date(2000, 1, 1) <= day <= datetime.now(UTC).date()


@each_file
def test_a_postmortem_uses_known_words_for_its_cause_and_severity(path: Path) -> None:
    front = read(path).front
    assert front["cause_class"] in CAUSE_CLASSES
    assert front["severity"] in SEVERITIES
    assert re.fullmatch(r"[a-z][a-z0-9-]*", front["service_kind"])


@each_file
def test_a_postmortem_has_a_short_title_and_lower_case_tags_without_repeats(path: Path) -> None:
    front = read(path).front
    assert 20 <= len(front["title"]) <= 100
    tags = front.get("tags", [])
    assert len(tags) == len(set(tags))
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", tag) for tag in tags)


@each_file
def test_a_postmortem_links_to_a_public_https_source(path: Path) -> None:
    source = urlsplit(read(path).front["source"])
    assert source.scheme == "https"
    assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", source.netloc)
    assert len(source.path) > 1, "a link to a home page is not a source"


@each_file
def test_a_postmortem_tells_symptom_cause_fix_and_lesson_at_useful_length(path: Path) -> None:
    sections = read(path).sections
    assert [heading for heading, _ in sections] == SECTIONS
    short = [heading for heading, content in sections if len(content) < SHORTEST[heading]]
    assert short == []


def test_there_are_at_least_twenty_five_postmortems(corpus: list[Written]) -> None:
    assert len(corpus) >= 25


def test_no_two_postmortems_share_an_id(corpus: list[Written]) -> None:
    counts = Counter(it.front["id"] for it in corpus)
    assert [name for name, times in counts.items() if times > 1] == []


def test_no_two_postmortems_share_a_source_or_a_title(corpus: list[Written]) -> None:
    for key in ("source", "title"):
        counts = Counter(it.front[key] for it in corpus)
        assert [value for value, times in counts.items() if times > 1] == []


@pytest.mark.parametrize(
    ("minimum", "belongs"),
    [
        pytest.param(8, is_database, id="databases"),
        pytest.param(4, is_postgres_or_pool, id="postgresql-or-connection-pools"),
        pytest.param(3, labelled("redis"), id="redis"),
        pytest.param(4, labelled("kubernetes"), id="kubernetes"),
        pytest.param(3, labelled("dns"), id="dns"),
        pytest.param(3, labelled("certificate"), id="certificates"),
        pytest.param(3, labelled("config-push"), id="config-pushes"),
        pytest.param(3, labelled("deploy"), id="deploys"),
        pytest.param(3, labelled("capacity"), id="capacity"),
        pytest.param(3, labelled("cloud-region"), id="cloud-regions"),
    ],
)
def test_every_common_kind_of_incident_is_represented(
    corpus: list[Written], minimum: int, belongs: Callable[[Written], bool]
) -> None:
    assert len([it.name for it in corpus if belongs(it)]) >= minimum
