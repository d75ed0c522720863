"""What a grant allows and what it does not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path

import jwt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from basecamp.errors import Refused
from basecamp.grants import Grant, canonical_json, check_grant, read_grant, sha256_hex
from tests.basecamp.grants import KEY, claims, mint

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "grants.md"
ARGUMENTS = {"service": "orders-db", "sessions": [{"pid": 1, "started": "2026-01-31T12:00:00Z"}]}
NOW = 1_769_860_900
TIMES = {"iat": NOW, "exp": NOW + 300}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda each: st.lists(each) | st.dictionaries(st.text(), each), max_leaves=10)


def vectors() -> list[dict]:
    return json.loads(re.search(r"## Test vectors.*?```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1])


def allowed(token: object, *, key: str | None = KEY, tool: str = "t", arguments=ARGUMENTS, now: float = NOW) -> Grant:
    grant = read_grant(token, key=key)
    check_grant(grant, tool=tool, args_sha256=sha256_hex(canonical_json(arguments)), now=now)
    return grant


def why(token: object, **how) -> str:
    with pytest.raises(Refused) as raised:
        allowed(token, **how)
    return str(raised.value)


def test_a_server_that_knows_its_name_refuses_grants_for_others_and_one_that_does_not_takes_all():
    def check(token: str, server: str | None) -> str:
        arguments = sha256_hex(canonical_json(ARGUMENTS))
        try:
            check_grant(read_grant(token, key=KEY), tool="t", args_sha256=arguments, now=NOW, server=server)
        except Refused as refusal:
            return str(refusal)
        return ""

    ours, nobodys = mint("t", ARGUMENTS, server="prod", **TIMES), mint("t", ARGUMENTS, **TIMES)
    assert check(ours, "prod") == check(ours, None) == check(nobodys, None) == ""
    assert check(ours, "staging") == "the approval grant is for 'prod', and this server is 'staging'"
    assert check(nobodys, "prod") == "the approval grant is for no server by name, and this server is 'prod'"
    assert "'server' is not text" in why(mint("t", ARGUMENTS, server=7, **TIMES))


@pytest.mark.parametrize("vector", vectors(), ids=lambda each: each["args_sha256"][:8])
def test_the_documented_arguments_have_the_documented_form_and_hash(vector):
    canonical = canonical_json(vector["arguments"])
    assert canonical.decode() == vector["canonical"]
    assert hashlib.sha256(vector["canonical"].encode()).hexdigest() == vector["args_sha256"] == sha256_hex(canonical)


def test_the_documented_token_is_signed_as_the_page_says_and_good_until_five_seconds_after_its_end():
    vector = next(each for each in vectors() if "token" in each)
    head, payload, signature = vector["token"].split(".")
    expected = hmac.new(vector["key"].encode(), f"{head}.{payload}".encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(signature + "=") == expected
    assert json.loads(base64.urlsafe_b64decode(payload + "==")) == vector["claims"]
    how = {"key": vector["key"], "tool": vector["tool"], "arguments": vector["arguments"]}
    end = vector["claims"]["exp"]
    assert allowed(vector["token"], now=1769860900, **how).approver == "U0ALICE"
    assert allowed(vector["token"], now=end + 5, **how)
    assert "expired 6 s ago" in why(vector["token"], now=end + 6, **how)


def unsigned(payload: dict) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, payload)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def test_a_good_grant_is_allowed_and_says_who_and_what_for():
    grant = allowed(mint("t", ARGUMENTS, jti="one", **TIMES))
    assert grant.as_json() == {
        "jti": "one", "run": "run-1", "step": "mitigate", "approver": "U0ALICE", "iat": NOW, "exp": NOW + 300,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (None, "no approval grant"),
        ("", "not one that was signed"),
        (7, "is not a token"),
        (["x"], "is not a token"),
        ("x" * 5000, "is not a token"),
        ("a.b.c", "not one that was signed"),
        ("é.ü.ö", "not one that was signed"),
        (mint("t", ARGUMENTS, key="another-key-of-thirty-two-bytes-and-more", **TIMES), "not one that was signed"),
        (unsigned(claims("t", ARGUMENTS, **TIMES)), "not one that was signed"),
        (jwt.encode(claims("t", ARGUMENTS, **TIMES), KEY * 2, algorithm="HS512"), "not one that was signed"),
        (jwt.encode(claims("t", ARGUMENTS, **TIMES), KEY * 2, algorithm="HS384"), "not one that was signed"),
        (mint("other", ARGUMENTS, **TIMES), "is for 'other', not for 't'"),
        (mint("T", ARGUMENTS, **TIMES), "is for 'T', not for 't'"),
        (mint("t", {**ARGUMENTS, "service": "orders-db "}, **TIMES), "for other arguments"),
        (mint("t", ARGUMENTS, args_sha256="", **TIMES), "'args_sha256' is not text"),
        (mint("t", ARGUMENTS, args_sha256="d" * 64, **TIMES), "for other arguments"),
        (mint("t", ARGUMENTS, iss="someone", **TIMES), "not issued by 'aiops'"),
        (mint("t", ARGUMENTS, iss="aiops ", **TIMES), "not issued by 'aiops'"),
        (mint("t", ARGUMENTS, iat=NOW, exp=NOW + 301), "lives longer than 300 s"),
        (mint("t", ARGUMENTS, iat=NOW - 10**9, exp=NOW + 1), "lives longer than 300 s"),
        (mint("t", ARGUMENTS, iat=NOW + 6, exp=NOW + 100), "begins in 6 s"),
        (mint("t", ARGUMENTS, iat=NOW - 100, exp=NOW - 6), "expired 6 s ago"),
        (mint("t", ARGUMENTS, iat=NOW, exp=NOW), "ends before it begins"),
        (mint("t", ARGUMENTS, iat=NOW, exp=NOW - 1), "ends before it begins"),
        (mint("t", ARGUMENTS, iat=True, exp=NOW), "'iat' is not a whole number"),
        (mint("t", ARGUMENTS, iat=float("nan"), exp=NOW + 1), "'iat' is not a whole number"),
        (mint("t", ARGUMENTS, iat=NOW, exp=float("inf")), "'exp' is not a whole number"),
        (mint("t", ARGUMENTS, iat=NOW, exp=str(NOW + 9)), "'exp' is not a whole number"),
        (mint("t", ARGUMENTS, jti="x" * 201, **TIMES), "'jti' is not text"),
    ],
)
def test_anything_but_a_good_grant_is_refused_and_says_why(token, words):
    assert words in why(token)


@pytest.mark.parametrize("name", ["iss", "tool", "args_sha256", "run", "step", "approver", "jti", "iat", "exp"])
@pytest.mark.parametrize("value", [None, "", [], {}])
def test_every_claim_is_required_and_of_its_type(name, value):
    payload = json.dumps({**claims("t", ARGUMENTS, **TIMES), name: value}).encode()
    assert "the approval grant" in why(jwt.PyJWS().encode(payload, KEY, algorithm="HS256"))


def test_without_a_key_the_best_grant_is_refused():
    assert "no approval key" in why(mint("t", ARGUMENTS, **TIMES), key=None)


@given(st.dictionaries(st.text(), VALUES), st.dictionaries(st.text(), VALUES))
def test_a_grant_for_some_arguments_allows_no_others(approved, sent):
    try:
        different = canonical_json(approved) != canonical_json(sent)
    except Refused:
        assume(False)
    assert allowed(mint("t", approved, **TIMES), arguments=approved)
    if different:
        assert "for other arguments" in why(mint("t", approved, **TIMES), arguments=sent)


@given(st.dictionaries(st.text(), VALUES))
def test_the_canonical_form_says_the_same_and_does_not_depend_on_the_order_of_keys(arguments):
    try:
        canonical = canonical_json(arguments)
    except Refused as refusal:
        assert "no canonical JSON form" in str(refusal)  # noqa: PT017 - surrogates alone have no UTF-8
        return
    assert json.loads(canonical) == arguments
    assert canonical_json(dict(reversed(arguments.items()))) == canonical


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"x": float("nan")}, "no canonical JSON form"),
        ({"x": float("inf")}, "no canonical JSON form"),
        ({"x": "\ud800"}, "no canonical JSON form"),
        ({"x": "y" * 70_000}, "70008 bytes long"),
    ],
)
def test_arguments_that_cannot_be_hashed_safely_are_refused(arguments, words):
    with pytest.raises(Refused, match=words):
        canonical_json(arguments)


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()), st.integers(0, 2))
def test_no_text_that_is_put_into_a_token_gets_through_or_crashes(noise, place):
    parts = mint("t", ARGUMENTS, **TIMES).split(".")
    assume(parts[place] != noise)
    parts[place] = noise
    token = ".".join(parts)
    # Base64 leaves bits unused in the last character, so another spelling of the same signature may be good.
    try:
        allowed(token)
    except Refused:
        return
    assert place == 2
    assert base64.urlsafe_b64decode(noise + "=") == base64.urlsafe_b64decode(parts[2] + "=")
