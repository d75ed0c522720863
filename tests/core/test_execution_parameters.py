"""A value outside its bounds never becomes a parameter."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import ConfigError, PayloadError
from bot.core.parameters import read_parameter, read_parameters
from bot.core.runbook import Parameter, ParameterKind, Runbook


def parameter(kind, **more):
    return Parameter(name="most", kind=ParameterKind(kind), description="how many", **more)


WHOLE = parameter("integer", minimum=0, maximum=10)
NUMBER = parameter("number", minimum=0, maximum=1)
TEXT = parameter("string", pattern="[a-z]+")


@pytest.mark.parametrize(
    ("wanted", "raw", "words"),
    [
        (WHOLE, "11", "most: 11 is not between 0 and 10"),
        (WHOLE, "-1", "is not between"),
        (WHOLE, "3.5", "'3.5' is not a whole number"),
        (WHOLE, "many", "'many' is not a whole number"),
        (WHOLE, "9" * 400, "is not between 0 and 10"),
        (WHOLE, "9" * 5_000, "is not a whole number"),
        (WHOLE, True, "is not a whole number"),
        (NUMBER, "nan", "nan is not between"),
        (NUMBER, "1e400", "is not between"),
        (NUMBER, "-inf", "is not between"),
        (parameter("boolean"), "perhaps", "say true or false, not 'perhaps'"),
        (parameter("choice", choices=("red", "green")), "blue", "is not one of red, green"),
        (TEXT, "abc;drop", "does not match"),
        (TEXT, "abc\ndef", "does not match"),
        (TEXT, ["a"], "does not match"),
    ],
)
def test_what_is_not_a_value_is_refused_with_the_reason(wanted, raw, words):
    with pytest.raises(PayloadError) as refused:
        read_parameter(wanted, raw)

    assert words in str(refused.value)
    assert len(str(refused.value)) < 200


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none()))
def test_whatever_comes_in_a_number_comes_out_within_its_bounds_or_not_at_all(raw):
    for wanted in (WHOLE, NUMBER):
        try:
            value = read_parameter(wanted, raw)
        except PayloadError:
            continue
        assert wanted.minimum <= value <= wanted.maximum
        assert math.isfinite(value)


def runbook(*parameters):
    return Runbook(
        id="r",
        title="R",
        alerts=("A",),
        severity="",
        owner="",
        reviewed="",
        ai_executable=True,
        sections={},
        steps=(),
        sha256="",
        path="",
        parameters=parameters,
    )


def test_every_problem_is_named_at_once_and_unknown_names_are_problems():
    book = runbook(WHOLE, Parameter(name="who", kind=ParameterKind.STRING, description="the vessel", pattern="[a-z]+"))

    values, problems = read_parameters(book, {"most": "99", "mots": "1"}, default=lambda text: text)

    assert values == {}
    assert set(problems) == {"most", "who", "mots"}
    assert problems["who"] == "who is missing: the vessel"
    assert "no such parameter" in problems["mots"]


def test_a_default_that_comes_to_nothing_or_cannot_be_worked_out_is_a_missing_value():
    def broken(text):
        raise ConfigError("labels.vessel is not there")

    book = runbook(Parameter(name="who", kind=ParameterKind.STRING, description="d", pattern=".*", default="{{ x }}"))

    assert "comes to nothing" in read_parameters(book, {}, default=lambda text: None)[1]["who"]
    assert "labels.vessel is not there" in read_parameters(book, {}, default=broken)[1]["who"]


def test_a_default_is_held_to_the_same_bounds_as_a_given_value():
    book = runbook(parameter("integer", minimum=0, maximum=10, default="11"))

    assert "not between" in read_parameters(book, {}, default=lambda text: text)[1]["most"]
