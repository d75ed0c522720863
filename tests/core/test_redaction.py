"""Secrets leave text; everything else stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.redaction import placeholders, redact, redact_all

SECRETS = [
    ("postgres://shop:hunter22@db:5432/orders", "hunter22"),
    ("redis://:s3cr3tpass@cache/0", "s3cr3tpass"),
    ("password=correct-horse", "correct-horse"),
    ('{"api_key": "abcd1234efgh"}', "abcd1234efgh"),
    ("Authorization: Bearer abcdef0123456789abcdef", "abcdef0123456789abcdef"),
    ("token xoxb-1234567890-abcdefghij", "xoxb-1234567890-abcdefghij"),
    ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
    ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("sk-proj-abcdefghijklmnopqrst", "sk-proj-abcdefghijklmnopqrst"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.c2lnbmF0dXJl", "eyJzdWIiOiIxMjM0NTYifQ"),
    ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANB\n-----END PRIVATE KEY-----", "MIIEvQIBADANB"),
    ("mail to jane.doe@example.com now", "jane.doe@example.com"),
    ('{"text": "{\\"password\\": \\"correct-horse\\"}"}', "correct-horse"),
    ("deploy --password correct-horse --wait", "correct-horse"),
    ('passphrase: "velvet quartz ember saddle"', "quartz ember"),
    ("Cookie: session=0123456789abcdef", "0123456789abcdef"),
    ("key wJalrXUtnFEMI4K7MDENGbPxRfiCYz9Q2h5T8v6s", "wJalrXUtnFEMI4K7MDENG"),
    ("postgres://shop:p@ss99word@db:5432/orders", "ss99word"),
    ("card 4111 1111 1111 1111 declined", "4111 1111 1111 1111"),
]
HARMLESS = [
    "FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute",
    "checkout/2.31.0 holds 16 of 17 sessions, oldest idle 43 s",
    "order 1234567890123456 placed at 2026-11-23T09:00:00Z",
    "password authentication failed for user shop",
    "token bucket is empty",
    "commit 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567 by ines",
    "secret=${VAULT_SECRET}",
    "PRIVATE-TOKEN: $PRIVATE_TOKEN",
    "took 0.0006111111111111124 s at 1743577977220",
    "Pod/payments-api-7f9dd8b6c4-c12fj restarted",
    "pulled checkout@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "Kubernetes Basic Troubleshooting",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_replaced(text, secret):
    assert secret not in redact(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_ordinary_text_is_left_alone(text):
    assert redact(text) == text


def test_the_same_secret_keeps_being_recognisable_as_the_same():
    first, second = redact("password=correct-horse"), redact("pwd: correct-horse")

    assert first.split("[")[1] == second.split("[")[1]


def test_a_placeholder_is_not_taken_for_a_secret_itself():
    assert redact("sk-proj-abcdefghijklmnopqrst").count("[") == 1
    assert redact("redis://:s3cr3tpass@cache.example.com/0").endswith("@cache.example.com/0")


@given(st.text())
def test_any_text_can_be_redacted_and_redacting_twice_changes_nothing_more(text):
    once = redact(text)

    assert redact(once) == once


def test_a_text_whose_field_is_named_as_secrets_are_goes_as_a_whole():
    found = redact_all(
        {"password": "hunter22", "nested": [{"apiKey": "abcd1234"}], "tokens": "many", "secret": "$VAULT"}
    )

    assert found == {"password": redact("password=hunter22")[9:], "nested": [{"apiKey": redact("apiKey=abcd1234")[7:]}],
                     "tokens": "many", "secret": "$VAULT"}  # fmt: skip


def test_fields_that_have_to_stay_exact_do_and_everything_beside_them_goes():
    found = redact_all(
        {"id": "password=hunter22", "more": {"id": ["token=hunter22"], "text": "token=hunter22"}}, exact={"id"}
    )

    assert found["id"] == "password=hunter22"
    assert found["more"]["id"] == ["token=hunter22"]
    assert placeholders(found) == {redact("token=hunter22")[6:]}
