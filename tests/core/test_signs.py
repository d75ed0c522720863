import pytest

from bot.core.hypothesis import CauseClass
from bot.core.signs import signs_in


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("x509: certificate has expired or is not yet valid", CauseClass.SECURITY),
        ("POST https://api.acme-pay.com/v2/refunds returned 502", CauseClass.EXTERNAL),
        ("node worker-7 reports MemoryPressure", CauseClass.INFRASTRUCTURE),
        ("dial tcp: lookup ledger.internal: no such host", CauseClass.NETWORK),
        ("sign-in failed: getaddrinfo EAI_AGAIN login.example", CauseClass.NETWORK),
        ("write /data/wal: no space left on device", CauseClass.CAPACITY),
        ("0/5 nodes are available: 5 Insufficient memory.", CauseClass.CAPACITY),
        ("the pool of 40 workers is exhausted", CauseClass.CAPACITY),
        ("disk usage on /var is nearing its limit", CauseClass.CAPACITY),
        ("consumer lag exceeds 40000 messages", CauseClass.CAPACITY),
        ("free space is running low on volume data-3", CauseClass.CAPACITY),
        ("queue depth reached the maximum of 10000", CauseClass.CAPACITY),
        ("cannot fork: we ran out of file descriptors", CauseClass.CAPACITY),
        ("no more free slots for replication", CauseClass.CAPACITY),
        ("Back-off pulling image: ImagePullBackOff", CauseClass.CONFIG),
        ("environment variable QUEUE_URL is not set", CauseClass.CONFIG),
        ("could not read block 81 of relation: Input/output error", CauseClass.INFRASTRUCTURE),
        ("row 18 of the feed: malformed record", CauseClass.DATA),
    ],
)
def test_systems_name_causes_that_no_change_makes(text, cause):
    assert cause in {one.cause_class for one in signs_in(text)}


@pytest.mark.parametrize(
    "text",
    ["order 17 paid", "GET https://shop.example.com/cart 200 in 31 ms", "renewed certificate for web", "psycopg.errors.UndefinedTable: orders",
     "connection pool grew to 12", "connection reached the gateway in 4 ms", "queue drained, 0 left", "retry limit reached, giving up on order 7",
     "memory 41% used of 4 GiB", "heap: full GC took 31 ms", "deadline exceeded", "thread 4 started; the batch is full of orders", "session closed by user", "node started", "request took 503 ms",
     "WARN GC slowdown 12 ms", "Generating self-signed certificate for the webhook", "System.Globalization.CultureNotFoundException: only the invariant culture is supported"],
)  # fmt: skip
def test_everyday_lines_name_nothing(text):
    assert signs_in(text) == []
