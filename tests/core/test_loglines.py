"""Stack traces that arrive line by line."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.loglines import LogRecord, join_lines, shorten
from bot.core.logs import rank_templates

AT = datetime(2026, 11, 20, 9, 2, tzinfo=UTC)


def record(text, *, seconds=0.0, level="", service="web"):
    return LogRecord(at=AT + timedelta(seconds=seconds), level=level, service=service, text=text)


def records(trace, **more):
    return [record(line, seconds=place / 1000, **more) for place, line in enumerate(trace.strip("\n").split("\n"))]


PYTHON = """
2026-11-20 09:02:00 ERROR order failed id=7
Traceback (most recent call last):
  File "/app/orders.py", line 31, in place
    row = await connection.execute(query)
          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
psycopg.OperationalError: FATAL: too many clients already
"""
PYTHON_CHAINED = """
2026-11-20 09:02:00 ERROR order failed id=7
Traceback (most recent call last):
  File "/app/cache.py", line 3, in get
    return self._kept[key]
KeyError: 'sku-17'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/orders.py", line 31, in place
    stock = cache.get(sku)
shop.errors.StockUnknown

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/http.py", line 8, in answer
    place(order)
socket.gaierror: [Errno -2] Name or service not known
"""
JAVA = """
2026-11-20 09:02:00.123 ERROR [pool-1] c.s.Orders - order failed
java.lang.IllegalStateException: no stock
\tat com.shop.Orders.place(Orders.java:31)
\tat com.shop.Http.answer(Http.java:8)
\tSuppressed: java.io.IOException: closed
\t\tat com.shop.Pool.close(Pool.java:4)
Caused by: org.postgresql.util.PSQLException: FATAL: sorry, too many clients already
\tat org.postgresql.Driver.connect(Driver.java:9)
\t... 14 more
"""
JAVA_UNCAUGHT = """
Exception in thread "main" java.lang.NullPointerException
\tat com.shop.Main.main(Main.java:3)
"""
GO = """
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4a1b2c]

goroutine 17 [running]:
main.(*Server).handle(0xc0000b2000, {0x1, 0x2})
\t/app/server.go:31 +0x1d
main.main.func1()
\t/app/main.go:8 +0x25
created by main.main in goroutine 1
\t/app/main.go:7 +0x4f
exit status 2
"""
GO_SERVED = """
2026/11/20 09:02:00 http: panic serving 10.0.0.7:5312: no stock
goroutine 52 [running]:
net/http.(*conn).serve.func1()
\t/usr/local/go/src/net/http/server.go:1868 +0xb9
"""
NODE = """
order failed
TypeError [ERR_INVALID_ARG_TYPE]: Cannot read properties of undefined (reading 'sku')
    at place (/app/orders.js:31:9)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5) {
  [cause]: Error: connect ECONNREFUSED 10.0.0.9:5432
      at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1595:16)
}
"""
NODE_UNCAUGHT = """
/app/orders.js:31
    throw new Error('no stock');
    ^

Error: no stock
    at place (/app/orders.js:31:9)

Node.js v20.11.0
"""
DOTNET = """
Unhandled exception. System.InvalidOperationException: order failed
 ---> Npgsql.PostgresException (0x80004005): 53300: sorry, too many clients already
   at Npgsql.Internal.NpgsqlConnector.Open()
   --- End of inner exception stack trace ---
   at Shop.Orders.Place(Order order) in /src/Orders.cs:line 31
--- End of stack trace from previous location ---
   at Shop.Program.Main()
"""
TRACES = {
    "python": PYTHON,
    "python chained": PYTHON_CHAINED,
    "java": JAVA,
    "java uncaught": JAVA_UNCAUGHT,
    "go": GO,
    "go served": GO_SERVED,
    "node": NODE,
    "node uncaught": NODE_UNCAUGHT,
    "dotnet": DOTNET,
}


def whole(trace):
    return "\n".join(line for line in trace.strip("\n").split("\n") if line.strip())


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_a_trace_that_arrives_line_by_line_is_one_entry_with_all_of_its_lines(trace):
    before, after = record("request 6 done", seconds=-60), record("request 8 done", seconds=0.5)

    assert [one.text for one in join_lines([before, *records(trace), after])] == [
        "request 6 done",
        whole(trace),
        "request 8 done",
    ]


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_traces_of_two_services_that_come_at_once_are_not_mixed(trace):
    pairs = zip(records(trace, service="a"), records(PYTHON, service="b") * 9, strict=False)
    mixed = [one for pair in pairs for one in pair]
    joined = join_lines(mixed)

    assert [one.text for one in joined if one.service == "a"] == [whole(trace)]
    assert joined[1].service == "b"


@pytest.mark.parametrize("trace", [PYTHON_CHAINED, JAVA, GO, NODE, DOTNET])
def test_the_same_trace_twice_is_two_entries_of_one_template(trace):
    again = [
        LogRecord(at=one.at + timedelta(seconds=1), level=one.level, service=one.service, text=one.text)
        for one in records(trace)
    ]
    (found,) = rank_templates([*records(trace), *again], boundary=AT)

    assert found.after == 2


@pytest.mark.parametrize("trace", [PYTHON, JAVA, NODE])
def test_a_trace_after_an_entry_that_says_nothing_is_wrong_is_an_entry_of_its_own(trace):
    alone = "\n".join(trace.strip("\n").split("\n")[1:])
    joined = join_lines([record("2026-11-20 09:02:00 INFO request 7 done"), *records(alone, level="error")])

    assert [one.text for one in joined] == ["2026-11-20 09:02:00 INFO request 7 done", alone]
    assert joined[1].level == "error"


def test_a_line_that_comes_much_later_is_not_joined():
    joined = join_lines([record("boom"), record("  at x", seconds=30)])

    assert [one.text for one in joined] == ["boom", "  at x"]


def test_an_exception_without_frames_stays_an_entry_of_its_own():
    lines = [record("order failed"), record("TimeoutError: no answer", seconds=0.1), record("next", seconds=0.2)]

    assert join_lines(lines) == lines


def test_what_follows_a_trace_that_was_cut_is_not_taken_for_its_exception():
    lines = [*records("\n".join(PYTHON.strip().split("\n")[:3])), record("ok", seconds=0.1)]

    assert [one.text for one in join_lines(lines)][-1] == "ok"


def test_a_new_trace_directly_after_another_is_an_entry_of_its_own():
    alone = "\n".join(PYTHON.strip().split("\n")[1:])

    assert [one.text for one in join_lines([*records(alone), *records(alone)])] == [alone, alone]


def test_the_exception_of_each_language_is_named_by_its_template():
    for trace, name in ((PYTHON, "psycopg.OperationalError"), (JAVA, "PSQLException"), (DOTNET, "PostgresException")):
        (found,) = rank_templates(records(trace), boundary=AT)

        assert any(name in one for one in found.exceptions)


def test_a_long_trace_keeps_its_head_and_its_exceptions():
    frames = [
        f'  File "/app/deep.py", line {place}, in call_{place}\n    return call_{place + 1}()' for place in range(80)
    ]
    start = "Traceback (most recent call last):"
    between = "During handling of the above exception, another exception occurred:"
    first, second = "KeyError: 'sku'", "psycopg.OperationalError: too many clients"
    long = "\n".join(["ERROR order failed", start, *frames, first, between, start, *frames, second])

    short = shorten(long, 900)

    assert len(short) <= 1_000
    assert short.startswith("ERROR order failed\n[… ")
    assert "KeyError: 'sku'" in short
    assert short.endswith("psycopg.OperationalError: too many clients")
    assert "call_79" in short


def test_what_is_short_stays_as_it_is_and_a_long_line_keeps_both_ends():
    assert shorten("boom\n  at x", 900) == "boom\n  at x"
    assert shorten("a" * 2_000 + "z" * 10, 900).endswith("z" * 10)
