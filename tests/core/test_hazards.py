"""What review would stop at: scopes, ways out, defaults, units, keys, clocks, blocking calls, statements; and what it would wave through."""

import pytest

from bot.core.diffs import read_change
from bot.core.hazards import Diff, hazards
from bot.core.mechanisms import fits
from bot.core.signs import signs_in
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
        ("COMMENT ON TABLE orders IS 'who ordered what';", 0.0, 0.05),
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


HOSTILE = [
    "(" * 8000, "a" * 8000, "{" * 4000 + "key " * 1000, "catch (" * 2000, "FROM " * 3000, " " * 8000 + "a", "rescue " * 2000, "1.1-" * 3000, "sets " * 3000,
    "provider" * 1500, "node " * 2000, "/* " * 4000, "ADD " * 4000, "x." * 4000, "a-" * 4000, "aB" * 4000, "= new Cache" * 900, "k: [" * 2000, "key=" * 3000, "9" * 5000,
]  # fmt: skip


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_line_does_not_hold_the_reader_up(text):
    changed = "\n".join(["--- a/a.go", "+++ b/a.go", "@@ -1 +1 @@", f"-{text}x = 1", f"+{text}x = 2", f"+{text}"])

    for detail in (changed, text):
        nature = read_change("deploy", text, detail)
        assert 0 <= nature.risk <= 1
        assert fits(nature.reasons, [(text[:1800], 0.5)]) >= 0
    assert isinstance(hazards(Diff(old=text[:300], new=text[:300] + "x", context=text[:2000])), list)
    assert isinstance(signs_in(text), list)


@pytest.mark.parametrize(
    ("kind", "title", "detail"),
    [
        ("deploy", "Move to the new cluster", "Modify labels of the dashboard"),
        ("deploy", "Address the review's comment on retries", ""),
        ("config", "Name the place", diff("+  cluster: eu-1", path="app.yaml")),
        ("commit", "Shorten names", diff("+  name = truncate(name, 80)")),
    ],
)
def test_english_and_code_are_not_read_as_sql(kind, title, detail):
    said = " ".join(read_change(kind, title, detail).reasons)

    assert "table" not in said
    assert "comments only" not in said


def test_a_statement_that_is_taken_away_is_none_that_will_run():
    gone = diff(" UPDATE carts SET state = 1;", "-DELETE FROM carts;", "-SELECT 1;", path="jobs/tidy.sql")

    assert not any("every row" in one for one in read_change("commit", "tidy", gone).reasons)


@pytest.mark.parametrize(
    "lines",
    [
        ("-  a = True", "+  a = False", "-  b = True", "+  b = False"),
        ("-  if a and b:", "+  if a or b:", "-  while a and c:", "+  while a or c:"),
        ("-  copy(src)", "+  copy(both)", "-  move(dst)", "+  move(both)"),
        (" replica = pool()", "-  ask(primary)", "+  ask(replica)", "-  tell(primary)", "+  tell(replica)"),
    ],
)
def test_another_meaning_is_no_other_spelling(lines):
    assert "another spelling" not in " ".join(read_change("commit", "tidy up", diff(*lines)).reasons)


def test_a_diff_is_read_alike_however_often_it_is_read():
    lines = ["+ALTER TABLE orders", "+  ADD CONSTRAINT c", "+  FOREIGN KEY (a) REFERENCES b (id);"]

    assert read_change("commit", "tidy", diff(*lines, path="sql/orders.sql")).risk == 0.6


def test_what_a_setting_is_called_decides_whether_it_is_a_message():
    kafka = diff("-log.retention.hours: 168", "+log.retention.hours: 1", path="kafka/server.yaml")

    assert read_change("config", "tidy", kafka).reasons != ("messages, measurements, comments or moved lines only",)


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
