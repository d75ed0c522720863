"""Invented changes: most of the dangerous ones are read as dangerous, most of the harmless ones are not."""

from evals.benchmarks import ablate, diff_reading


def test_a_change_counts_as_dangerous_from_the_risk_of_an_unknown_release_on():
    dangerous, harmless = diff_reading.rows([(True, 0.45), (True, 0.44), (False, 0.9), (False, 0.1), (False, 0.0)])

    assert (dangerous.figure, dangerous.n) == (0.5, 2)
    assert (round(harmless.figure, 3), harmless.n) == (0.333, 3)


def test_the_shipped_changes_are_told_apart_as_well_as_the_page_says():
    dangerous, harmless = diff_reading.rows(diff_reading.risks())

    assert (dangerous.n, harmless.n) == (225, 185)
    assert dangerous.figure >= 0.8
    assert harmless.figure <= 0.12


def test_a_reader_that_is_taken_away_shows_in_the_table():
    table = ablate.readers_table(ablate.READERS[:2])

    nothing, without = (line.split("|")[2] for line in table.splitlines()[2:])
    assert int(without.split()[0]) < int(nothing.split()[0])
