"""How dangerous SQL statements of a migration are on a table in use: what locks it, rewrites it, or takes an index away."""

import re

from bot.core.values import Found

# Postgres documents which forms of ALTER TABLE rewrite the table or hold ACCESS EXCLUSIVE while they scan it
# (https://www.postgresql.org/docs/current/sql-altertable.html), and that CREATE INDEX without CONCURRENTLY blocks writes.
_STATEMENTS = tuple(
    (risk, said, re.compile(pattern, re.IGNORECASE | re.DOTALL))
    for risk, said, pattern in (
        (0.75, "takes an index away", r"\bDROP INDEX\b|\bremove_index\b"),
        (0.75, "rewrites or locks a table", r"\bLOCK TABLE\b|^\s*TRUNCATE\b|\bVACUUM FULL\b|^\s*CLUSTER\s+\w+|\bALTER (?:COLUMN \w+ )?(?:SET DATA )?TYPE\b|\bMODIFY COLUMN\b|\bchange_column\b(?!_default|_null|_comment)"),
        (0.7, "takes away or renames what running code may use", r"\bDROP (?:TABLE|COLUMN)\b|\bRENAME (?:COLUMN|TO|TABLE)\b|\b(?:remove|rename)_(?:column|table)\b"),
        (0.65, "changes every row at once", r"^(?!.*\bLIMIT\b)(?!.*\bin_batches\b).*\b(?:UPDATE\s+\w[\w.\"]*\s+SET|DELETE FROM)\b"),
        (0.6, "checks every row under a lock", r"^(?!.*\bNOT VALID\b).*\b(?:ADD CONSTRAINT\b.*\b(?:FOREIGN KEY|CHECK)|SET NOT NULL|change_column_null\b.*\bfalse|add_foreign_key)\b"),
        (0.6, "builds an index under a lock", r"\bCREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)|\badd_index\b(?!.*\bconcurrently\b)"),
        (0.5, "adds a column that every row needs", r"\bADD (?:COLUMN )?[^;]*\bNOT NULL\b(?![^;]*\bDEFAULT\b)|\bDEFAULT (?:now|random|gen_random|uuid|clock_timestamp|nextval)\w*\("),
        (0.4, "refuses rows that were taken before", r"\bADD CONSTRAINT\b.*\bCHECK\b.*\bNOT VALID\b"),
        (0.15, "adds beside what is there", r"\bCREATE (?:UNIQUE )?INDEX CONCURRENTLY\b|\bADD COLUMN\b|\bCREATE TABLE\b|\balter table\(:?\w+\) do\s+add :|\badd_column\b|\bcreate_table\b|\bNOT VALID\b|\bVALIDATE CONSTRAINT\b|\bcreate_\w+_index\b"),
        (0.15, "sets how a table is stored or cleaned", r"\bALTER (?:TABLE|INDEX) [\w.\"]+ (?:RE)?SET \("),
        (0.03, "comments only", r"\bCOMMENT ON\b"),
    )
)  # fmt: skip
_NOTE = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
# Strangers write statements, too, and no pattern may take long for one.
_LONGEST, _LONGEST_STATEMENT = 8_000, 2_000


def statement_risk(text: str) -> Found | None:
    """The worst of the statements in a text; None when there is none."""
    body = _NOTE.sub("", text[:_LONGEST])
    found = [_worst(one[:_LONGEST_STATEMENT]) for one in (body.split(";") if ";" in body else [body])]
    return max((one for one in found if one is not None), default=None)


def _worst(statement: str) -> Found | None:
    return next(((risk, said) for risk, said, pattern in _STATEMENTS if pattern.search(statement)), None)
