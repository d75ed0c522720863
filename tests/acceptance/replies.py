"""What a scripted model answers. Evidence ids are found in the prompt, as a model would."""

import json
import re

from tests.support.openai_endpoint import says

HYPOTHESES = [
    {
        "title": "checkout 2.31.0 leaks database connections",
        "cause_class": "deploy",
        "suspect": {"service": "checkout", "change_id": "deploy-checkout-2.31.0"},
        "claims": [("Idle sessions belong to checkout/2.31.0.", "checkout/2.31.0")],
        "confidence": 0.8,
        "disconfirming_check": "Sessions of the previous release idle in the same way.",
    },
    {
        "title": "Ordinary load has outgrown the connection limit",
        "cause_class": "capacity",
        "suspect": {"service": "orders-db", "change_id": None},
        "claims": [("Sessions of checkout/2.31.0 are open.", "checkout/2.31.0")],
        "confidence": 0.1,
        "disconfirming_check": "Traffic did not rise before the alert.",
    },
]


def evidence_with(prompt, needle):
    """The id of the piece of evidence whose text holds the needle."""
    for evidence_id, text in re.findall(r"<<<DATA (E\d+) [^\n]*\n(.*?)\nDATA>>>", prompt, re.DOTALL):
        if needle in text:
            return evidence_id
    raise AssertionError(f"no evidence in the prompt holds {needle!r}")


def reply_from(hypotheses, verdict="confident", cite=None):
    """A callable answer for the endpoint: claims cite the evidence that holds their needle, or `cite`."""

    def answer(body):
        prompt = "\n".join(str(message.get("content")) for message in body["messages"])
        made = [
            one
            | {
                "claims": [
                    {"text": text, "evidence": [cite or evidence_with(prompt, needle)]}
                    for text, needle in one["claims"]
                ]
            }
            for one in hypotheses
        ]
        return says(
            json.dumps(
                {
                    "summary": "orders-db is running out of connection slots.",
                    "hypotheses": made,
                    "first_action": {
                        "text": "Roll checkout back to the previous release.",
                        "runbook": "postgres-connections-exhausted",
                        "step": None,
                    },
                    "ruled_out": ["The search configuration change: search does not use orders-db."],
                    "verdict": verdict,
                }
            )
        )

    return answer
