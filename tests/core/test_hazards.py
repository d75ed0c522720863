"""What review would stop at: scopes, ways out, defaults, units, keys, clocks, blocking calls, statements; and what it would wave through."""

import pytest

from bot.core.diffs import read_change
from bot.core.hazards import Diff, hazards
from bot.core.statements import statement_risk


def diff(*lines, path="src/app.py"):
    return "\n".join([f"--- a/{path}", f"+++ b/{path}", "@@ -1 +1 @@", *lines])


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        (diff("-  with open(path) as file:", "-    return file.read()", "+  file = open(path)", "+  return file.read()"), "ends with its scope"),
        (diff(" async def show(id):", "-  r = await http.get(url)", "+  r = requests.get(url)", " return r"), "blocks an event loop"),
        (diff("-  let n = h.get(0).unwrap_or(7);", "+  let n = h.get(0).unwrap();", path="a.rs"), "may be missing"),
        (diff("+  try:", "+    users = fetch_users()", "+  except Exception:", "+    users = []"), "goes on after an error"),
        (diff(" handle(req) {", "+  bus.on('drop', () => note(req));", " }", path="a.ts"), "never stops"),
        (diff("-  if (depth > MAX) return;", "-  go(depth + 1);", "+  go(depth + 1);", path="a.ts"), "takes away a condition"),
        (diff(" while True:", "   page = api.list(after=cursor)", "-  if not page.cursor: break", "+  if page.empty: break"), "ends a loop otherwise"),
        (diff("-  wait: Duration,", "+  wait_ms: u64,", "-  sleep(wait)", "+  sleep(from(wait_ms))", path="a.rs"), "changes a unit"),
        (diff("-  cacheKey(`${shop}:${sku}`)", "+  cacheKey(`${sku}`)", path="a.ts"), "out of a key"),
        (diff("-  at = datetime.now(timezone.utc)", "+  at = datetime.now()"), "clock"),
        (diff("-  total: i64,", "+  total: i32,", path="a.rs"), "smaller type"),
        (diff("-  string code = 2;", "+  Country country = 2;", path="a.proto"), "number of a field another meaning"),
        (diff("-QUEUE_URL=amqps://mq.prod.example:5671", "+QUEUE_URL=amqps://mq.test.example:5671", path="a.env"), "another address"),
        (diff("-  ssl_protocols TLSv1.2 TLSv1.3;", "+  ssl_protocols TLSv1.3;", path="a.conf"), "leaves out"),
        (diff("-  msg.ack()", "   done(msg)"), "work is done"),
        (diff("-  scope.includes(:author).recent", "+  scope.recent", path="a.rb"), "in one go"),
        (diff("-  ctx, cancel := context.WithTimeout(parent, wait)", "+  ctx := context.Background()", path="a.go"), "caller's deadline"),
        (diff("+  retries: 5", path="mesh.yaml"), "tries again"),
        (diff("+  re.compile(r'(a+)+$')"), "for ever"),
        (diff("+  client.keys('cart:*')"), "all keys"),
    ],
)  # fmt: skip
def test_what_review_would_stop_at_is_named(detail, said):
    nature = read_change("commit", "tidy up", detail)

    assert any(said in one for one in nature.reasons), nature
    assert nature.risk >= 0.4


@pytest.mark.parametrize(
    "detail",
    [
        diff("-  c = open_socket()", "-  c.close()", "+  with open_socket() as c:", "+    send(c)"),
        diff("-  lockWait = 5", "-  use(lockWait)", "+  lease = 5", "+  use(lease)"),
        diff("-  log_lock_waits = off", "+  log_lock_waits = on", path="postgresql.conf"),
        diff("-<p>We will retry.</p>", "+<p>We try again.</p>", path="templates/mail.hbs"),
        diff("+  responses: { '429': { headers: { Retry-After: {} } } }", path="api/openapi.yaml"),
        "--- a/lib/old_retry.rb\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-class OldRetry\n-  retry if timeout",
    ],
)
def test_what_review_would_wave_through_is_hardly_dangerous(detail):
    assert read_change("commit", "tidy up", detail).risk <= 0.35


@pytest.mark.parametrize(
    ("statement", "low", "high"),
    [
        ("-- unused since May\nDROP INDEX orders_state_idx;", 0.7, 0.8),
        ("CREATE INDEX orders_state_idx ON orders (state);", 0.55, 0.65),
        ("SET lock_timeout = '2s';\nCREATE INDEX CONCURRENTLY orders_state_idx ON orders (state);", 0.1, 0.2),
        ("ALTER TABLE orders ALTER COLUMN total TYPE numeric(12, 4);", 0.7, 0.8),
        ("ALTER TABLE orders ADD COLUMN note text;", 0.1, 0.2),
        ("ALTER TABLE orders ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES b (id) NOT VALID;", 0.1, 0.2),
        ("UPDATE orders SET state = 'open' WHERE state IS NULL;", 0.6, 0.7),
        ("COMMENT ON TABLE orders IS 'DROP INDEX is spoken of here';", 0.0, 0.8),
    ],
)
def test_a_statement_is_as_dangerous_as_its_worst_part_on_a_table_in_use(statement, low, high):
    found = statement_risk(statement)

    assert found is not None
    assert low <= found[0] <= high


def test_a_text_without_statements_has_no_danger_of_statements():
    assert statement_risk("payments: memory raised from 1Gi to 2Gi") is None


@pytest.mark.parametrize(
    ("detail", "least", "most"),
    [
        ("flag cache.enabled: true -> false for all", 0.6, 0.7),
        ("flag search.breaker: on -> off", 0.6, 0.7),
        ("flag banner.autumn: off -> on", 0.0, 0.2),
    ],
)
def test_a_flag_is_dangerous_when_it_turns_off_what_protects(detail, least, most):
    assert least <= read_change("flag", "try it", detail).risk <= most


def test_a_line_of_sql_that_is_a_comment_is_no_line_that_was_taken_away():
    nature = read_change("migration", "Add a note", "-- 12_note.sql\n-- no default\nALTER TABLE a ADD COLUMN b text;")

    assert (nature.read, nature.risk <= 0.2) == (False, True)


@pytest.mark.parametrize("text", ["(" * 3000, "a" * 5000, "{" * 3000 + "key " * 1000, "catch (" * 2000, "FROM " * 3000])
def test_a_hostile_line_is_read_in_no_time(text):
    assert isinstance(hazards(Diff(old=text, new=text + "x", context=text, pairs=((text, text + "x"),))), list)


def test_a_name_in_a_configuration_is_not_merely_respelled():
    renamed = diff(
        "-  group: mailer", "+  group: letters", "-  topic: mails", "+  topic: letters-out", path="conf/app.yaml"
    )

    assert read_change("config", "tidy up", renamed).risk >= 0.5


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        (diff("-  Timeout: 5 * time.Second,", "+  Timeout: time.Duration(cfg.Wait),", path="a.go"), "changes a unit"),
        (
            diff(" SELECT id FROM rows", "-WHERE shop = 1 AND state = 2", "+WHERE state = 2", path="a.sql"),
            "asks for more",
        ),
        (diff("+  additionalProperties: false", path="schema/in.yaml"), "refuses what it took"),
        (diff("-  kid: a-2023", "+  kid: a-2024", path="conf/auth.yaml"), "exchanges kid"),
    ],
)
def test_what_a_change_asks_for_or_takes_is_named(detail, said):
    assert any(said in one for one in read_change("config", "tidy up", detail).reasons)
