"""What a rewrite loses on the way, and rewrites that lose nothing."""

import pytest

from bot.core.diffs import read_change


def diff(*lines, path="src/app.py"):
    return "\n".join([f"--- a/{path}", f"+++ b/{path}", "@@ -1 +1 @@", *lines])


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        (diff("-const srv = make({ log, proxied: true, most: 4 });", "+const srv = make(options(log));", "+const options = (log) => ({ log, most: 4 });", path="a.ts"), "no longer sets proxied=true"),
        (diff('-  "sweep": every(minute=20, hour=4),', '-  "count": every(minute=5, hour=4),', '+  **each("sweep", hour=4),', '+  **each("count", minute=5, hour=4, day=1),'), "no longer sets minute=20"),
        (diff('-  snprintf(id, n, "gw-%s-%ld", host, getpid());', '+  snprintf(id, n, "gateway-%s", role);', path="a.c"), "out of a name"),
        (diff(" def pay(order):", "-    hold(order)", "-    check(order)", "+    check(order)", "+    hold(order)", "     book(order)"), "another order"),
        (diff("-  private final Rates rates = new RateCache(500);", "+  private Rates rates() {", "+    return new RateCache(500);", "+  }", path="A.java"), "makes RateCache anew"),
        (diff(" data class Fee(", "-    val total: BigDecimal,", "+    val total: Money,", path="Fee.kt"), "changes the type of total"),
        (diff(" new_checkout:", "-  countries: [at, ch]", "+  countries: [at, ch, de]", path="flags.yaml"), "adds de to countries"),
        (diff("-FROM registry.example/base/encoder:6.1 AS tools", "+FROM docker.io/other/encoder:7.1 AS tools", path="Dockerfile"), "another image"),
        (diff(" server {", "   proxy_set_header Host $host;", "   location / {", "     proxy_pass http://app;", '+    proxy_set_header X-Start "t";', "   }", " }", path="app.conf"), "where it was inherited"),
        (diff("-  Decimal.Parse(raw, CultureInfo.InvariantCulture)", "+  Decimal.TryParse(raw)", path="A.cs"), "which language"),
        (diff("-    first = Time.zone.today", "+    first = Date.today", path="a.rb"), "another clock"),
        (diff("-  return [...parts].sort((a, b) => a.at - b.at);", "+  return [...keys].sort().map((k) => parts.get(k));", path="a.ts"), "how to sort"),
        (diff(" nodeSelector: {pool: doors}", "-tolerations:", "-  - key: dedicated", "-    value: doors", "+podAnnotations: {}", path="chart/values.yaml"), "removes the setting key: dedicated"),
        (diff("-FROM python:3.11-slim-bullseye", "+FROM python:3.11-slim-bookworm", path="Dockerfile"), "another image"),
        (diff("+ALTER TABLE reviews ADD CONSTRAINT long CHECK (length(body) > 20) NOT VALID;", path="db/migrate/8.sql"), "refuses rows"),
        (diff("-  slots.put(reading.at(), x)", "+  slots.put(LocalDateTime.ofInstant(reading.at(), zone), x)", "-  Map<Instant, Price> slots", "+  Map<LocalDateTime, Price> slots", path="A.java"), "another clock"),
        (diff("-  free: row.free ?? USUAL,", "+  free: row.free || USUAL,", path="a.ts"), "takes zero and nothing for missing"),
        (diff("-    .orElseGet(() -> shop.open(name));", "+    .orElse(shop.open(name));", path="A.java"), "default that is not needed"),
        (diff("-  if (!one.ownerId().equals(user.id())) {", "+  if (one.ownerId() != user.id()) {", path="A.java"), "compares by identity"),
        (diff("-    client, err = dial(proxy)", "+    client, err := dial(proxy)", path="a.go"), "another variable of the same name"),
        (diff("-  const left = await stock(sku);", "+  const left = stock(sku);", path="a.ts"), "does not wait"),
        (diff("-function isClosed(id) {", "-  return closed.has(id);", "+async function isClosed(id) {", "+  return store.has(id);", path="a.js"), "answers later"),
        (diff("-func check(o Order) error {", "+func check(o Order) *CheckError {", path="a.go"), "type of what it returns"),
        (diff("-    bus.on(topic, partial(send, topic))", "+    bus.on(topic, lambda msg: send(topic, msg))"), "a name that changes later"),
        (diff("-    let out: String = text.chars().take(most).collect();", "+    out.push_str(&text[..most]);", path="a.rs"), "bytes instead of characters"),
        (diff('-  tag: "1.20"', "+  tag: 1.20", path="values.yaml"), "no longer a text"),
        (diff("-  phone: String", "+  phone: String!", path="a.graphql"), "requires what may be missing"),
        (diff("-  if ((head.flags & PACKED) == 0) {", "+  if (head.flags & PACKED == 0) {", path="a.c"), "binds operators otherwise"),
        (diff("-  Runtime: nodejs16.x", "+  Runtime: nodejs18.x", path="t.yaml"), "runs on another version"),
        (diff('-  if (res.http.Set-Cookie || res.http.Cache-Control ~ "private") {', '+  if (res.http.Cache-Control ~ "private") {', path="a.vcl"), "asks for less in a condition"),
        (diff("-  double share = (double) well / all;", "+  return well / all * 100;", path="A.java"), "divides whole numbers"),
        (diff("-  if (!flags.on(NoCash, city)) {", "+  if (flags.on(Cash, city)) {", path="a.go"), "turns a condition around"),
        (diff("-record Scan(String code, int rack) {}", "+record Scan(String code, Integer rack) {}", path="A.java"), "changes the type of rack"),
        (diff("-  group-id: reminders", "+  group-id: ${spring.application.name}", path="a.yaml"), "sets group-id to"),
        (diff(" backend live", "-  cookie LIVE insert", "-  server a 10.0.0.1:80 check", "+  server-template live 4 live.example:80 check", path="lb.cfg"), "removes the setting cookie"),
        (diff("-  SELECT seats FROM shows WHERE id = $1 FOR UPDATE", "+  SELECT seats FROM shows WHERE id = $1", path="a.go"), "no longer locks the rows"),
        (diff(" app.post('/hooks', raw, take);", "-app.use(json());", "-app.use(helmet());", "+app.use(helmet());", "+app.use(json());", path="a.js"), "another order"),
        (diff("-requests==2.32.3", "+httpx==0.27.2", path="app/requirements.lock"), "takes httpx instead of requests"),
        (diff("+  if text =~ /^((?:[A-Z]+ ?)+)$/", path="a.rb"), "for ever"),
    ],
)  # fmt: skip
def test_what_a_rewrite_loses_or_changes_on_the_way_is_named(detail, said):
    nature = read_change("commit", "refactor: tidy up", detail)

    assert any(said in one for one in nature.reasons), nature
    assert nature.risk >= 0.4


@pytest.mark.parametrize(
    "detail",
    [
        # The same option, said once for all.
        diff('-  run("a", tries=3)', '-  run("b", tries=3)', '+  for name in "ab":', "+    run(name, tries=3)"),
        diff('-  snprintf(id, n, "gw-%s-%ld", host, pid);', '+  format(id, n, "gw-%s-%ld", host, pid);', path="a.c"),
        diff("-def b():", "-    two()", " def a():", "     one()", "+def b():", "+    two()"),
        diff("-b = 1", "-a = 2", "+a = 2", "+b = 1"),
        # Kept all the same, only elsewhere.
        diff("-  rates = RateCache()", "+  rates = once(lambda: RateCache())"),
        diff("-  names: [a, b]", "+  names: [b, a]", path="x.yaml"),
        diff("-FROM base/tool:1.4.2", "+FROM base/tool:1.4.3", path="Dockerfile"),
        diff('-    implementation("org.example:kit:2.17.1")', '+    implementation("org.example:kit:2.17.2")', path="build.gradle.kts"),
        diff(" location / {", "   proxy_set_header Host $host;", '+  proxy_set_header X-Start "t";', " }", path="app.conf"),
        diff("+ALTER TABLE orders SET (autovacuum_vacuum_scale_factor = 0.05);", path="db/migrate/7.sql"),
        diff("-  Enabled: false", path=".rubocop_todo.yml"),
        diff("-  all.insert(left);", "-  all.insert(right);", "+  return top(concat(left, right));", path="a.cpp"),
        diff("-  code: req.query.code, to: BACK }", "+  code, to: BACK }", path="a.ts"),
        diff("-  def step(p) when p < 500, do: 10", "-  def step(_), do: 50", "+  @steps [{500, 10}, {:infinity, 50}]", path="a.ex"),
        diff("-    return post(url, headers={'Agent': 'filer'}, most=2)", "+    session.headers['Agent'] = 'filer'", "+    return session.post(url, most=2)"),
        diff("-  if (policy == null)", "-    return NotFound();", "-  return Ok(policy);", "+  return policy is null ? NotFound() : Ok(policy);", path="A.cs"),
        diff('-  "reference": "76326421d44c07f7824b19487cfbf87870b37efc"', '+  "reference": "e2d56f180f5b8c5e7c0fbea872bb1f529b6d6d45"', path="composer.lock"),
        diff('-  "Action": ["s3:PutObject","s3:GetObject"],', '+  "Action": ["s3:GetObject", "s3:PutObject"],', path="iam.json"),
        diff("-SELECT 1", "-FROM refunds", "+SELECT 1", "+FROM returns", path="report.txt"),
        # Every day's work, as somebody listed it who looked for what is misread.
        diff("-  image: r.example/app:1.4.2", "+  image: r.example/app:1.4.3", path="k/app.yaml"),
        diff("-  tag: main-3f2a1bc", "+  tag: main-9e8d7cf", path="k/app.yaml"),
        diff("-      uses: actions/checkout@v3.1.0", "+      uses: actions/checkout@v3.1.1", path="ci/x.yml"),
        diff("-    HttpClient client = HttpClient.newHttpClient();", "-    return client;", "+    return HttpClient.newHttpClient();", path="A.java"),
        diff("-  return opts.limit || 10;", "+  return opts.limit ?? 10;", path="a.ts"),
        diff("-  if (user && user.profile && user.profile.active) {", "+  if (user?.profile?.active) {", path="a.ts"),
        diff("-  if isinstance(x, int) or isinstance(x, float):", "+  if isinstance(x, (int, float)):"),
        diff('-    return errors.New("name and id are required")', '+    return errors.New("missing fields")', path="a.go"),
        diff("-    now := time.Now()", "+    now := s.clock.Now()", path="a.go"),
        diff("-    var now = Instant.now();", "+    var now = clock.instant();", path="A.java"),
        diff("+    User.objects.all().filter(active=True)"),
        diff('+#[serde(rename_all = "camelCase")]', "+pub struct Fresh { pub a_b: u8 }", path="a.rs"),
        diff("+  proxy_set_header X-Real-IP $remote_addr;", "   proxy_set_header Host $host;", path="n.conf"),
        diff("+  @total ||= items.sum", path="a.rb"),
        diff("-    var wait = cfg.Wait", "+    wait := cfg.Wait", path="a.go"),
        diff("-VERSION = 1", "+VERSION := 1", path="build/Makefile"),
        diff("-    private final int count;", "+    private volatile int count;", path="A.java"),
        diff('-  "resolved": "https://r.example/a/-/a-1.0.0.tgz",', '+  "resolved": "https://r.example/a/-/a-1.0.1.tgz",', path="package-lock.json"),
        diff("-  if (!xs.isEmpty()) {", "+  if (xs.size() > 0) {", path="A.java"),
        diff("-  self.kept_by_id = None", "+  self.kept_by_id = {}"),
        diff("-  @pool = 4  # by hand", "+  @pool = 4  # see the plan", path="a.rb"),
    ],
)  # fmt: skip
def test_a_rewrite_that_loses_nothing_is_hardly_dangerous(detail):
    assert read_change("commit", "refactor: tidy up", detail).risk <= 0.35


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "lines",
    [
        [line for n in range(100) for line in ("-" + "a " * 95 + f"{n}", "+" + "b a " * 47 + f"{n}")],
        [line for n in range(100) for line in ("-" + "0, 0, 1, 0, " * 8 + f"{n}", "+" + "0, 1, 0, 0, " * 8 + f"{n}")],
        ["+add_header a", *[" add_header a"] * 2800],
        ["-" + "a" * 297] * 130,
    ],
)
def test_a_long_diff_of_lines_that_look_alike_is_read_in_no_time(lines):
    assert 0 <= read_change("commit", "t", diff(*lines, path="x.conf")).risk <= 1


def test_pins_of_python_packages_are_no_document():
    nature = read_change("commit", "update pins", diff("-kit==1.35.99", "+kit==1.36.3", path="web/requirements.txt"))

    assert nature.reasons == ("raises kit from 1.35.99 to 1.36.3",)
    assert nature.names == {"kit"}
    assert read_change("commit", "", diff("-kit 1.35.99", "+kit 1.36.3", path="web/notes.txt")).risk < 0.05


def test_names_that_a_change_uses_otherwise_than_before_are_kept_as_they_are_written():
    detail = diff("-  total = net_cents + tax_cents", "+  total = net_cents + fee_cents", "+  note(copayFor(visit))")

    assert read_change("commit", "fees", detail).names == {"tax_cents", "fee_cents", "copayFor"}
