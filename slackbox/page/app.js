import { act, describeRoom, justBefore } from "./act.js";
import { at, h, toast } from "./dom.js";
import { drawHome } from "./home.js";
import { icon } from "./icons.js";
import { follow } from "./live.js";
import { Modals } from "./modal.js";
import { Pane } from "./panes.js";
import { closePopup, popupIsOpen } from "./popup.js";
import { quickSwitch } from "./quick.js";
import { drawSidebar } from "./sidebar.js";
import { botRoom, inChannel, inThread, isReply, postsOf, privateOf, roomTitle, takeSnapshot, unreadIn, world } from "./world.js";

const ui = { channel: null, thread: null, home: false, held: null, openThread, markRead, markUnread, drop };
const modals = new Modals({ submit: act.submit, close: act.close, press: act.pressInView, suggest: act.suggest });
const side = { openChannel, openHome, become, quick };
let panes = null;
let started = false;

function placeAsked() {
  const asked = new URLSearchParams(location.search);
  const archive = /^\/archives\/(\w+)\/p(\d+)(\d{6})$/.exec(location.pathname);
  const linked = archive && `${archive[2]}.${archive[3]}`;
  return { user: asked.get("user"), channel: asked.get("channel") || archive?.[1], thread: asked.get("thread") || asked.get("thread_ts"), linked, home: asked.get("view") === "home" };
}

function roomAsked(name) {
  const bare = (name || "").replace(/^#/, "");
  const rooms = [...world.channels.values()];
  return (world.channels.get(name) || rooms.find((each) => each.name === bare) || rooms.find((each) => !each.is_archived))?.id;
}

function begin() {
  started = true;
  panes = { channel: new Pane("channel", ui), thread: new Pane("thread", ui) };
  const place = placeAsked();
  ui.channel = roomAsked(place.channel);
  ui.home = place.home;
  const linked = place.linked && postsOf(ui.channel).get(place.linked);
  ui.thread = place.thread || (place.linked && (!linked || linked.reply_count || isReply(linked)) ? linked?.thread_ts || place.linked : null);
  // The app learns of a reload as in Slack: what was private and what was open is gone.
  if (performance.getEntriesByType("navigation")[0]?.type === "reload") act.reload();
  remember(false);
  drawAll();
  if (place.linked) panes.channel.list.reveal(place.linked);
  if (ui.home) act.home();
}

const HANDLERS = {
  hello(change) {
    takeSnapshot(change);
    sessionStorage.setItem("slackbox-me", world.me);
    if (!started) begin();
    else {
      if (!world.channels.has(ui.channel)) ui.channel = roomAsked(null);
      drawAll();
    }
  },
  message(change) {
    const { channel, message } = change;
    postsOf(channel).set(message.ts, message);
    show(channel, message);
    if (channel === ui.channel && !ui.home && inChannel(message)) markRead();
  },
  changed(change) {
    postsOf(change.channel).set(change.message.ts, change.message);
    show(change.channel, change.message, true);
  },
  deleted(change) {
    postsOf(change.channel).delete(change.ts);
    privateOf(change.channel).delete(change.ts);
    if (change.channel === ui.channel) drop(change.ts);
  },
  ephemeral(change) {
    privateOf(change.channel).set(change.message.ts, change.message);
    show(change.channel, change.message);
  },
  views(change) {
    world.screen = { stack: change.stack, home: change.home };
    modals.show(change.stack);
    if (ui.home) drawHome(act);
  },
  status(change) {
    if (change.status) world.statuses.set(change.thread_ts, change);
    else world.statuses.delete(change.thread_ts);
    if (change.thread_ts === ui.thread) panes.thread.drawEnds();
  },
  channel(change) {
    if (change.gone) world.channels.delete(change.channel.id);
    else {
      world.channels.set(change.channel.id, change.channel);
      for (const each of change.messages) postsOf(change.channel.id).set(each.ts, each);
    }
    if (change.gone && ui.channel === change.channel.id) openChannel(roomAsked(null));
    else if (ui.channel === change.channel.id) {
      drawHeads();
      panes.channel.refresh();
      panes.thread.refresh();
    }
  },
  assistant(change) {
    world.assistant.set(change.thread_ts, { ...world.assistant.get(change.thread_ts), ...change });
    if (change.thread_ts !== ui.thread) return;
    drawHeads();
    panes.thread.drawEnds();
  },
  read(change) { world.reads.set(change.channel, change.ts); },
  connections(change) { world.connections = change.count; },
  state(change) { Object.assign(world, { violations: change.violations, unacked: change.unacked, connections: change.connections }); },
};

let drawing = false;
function take(change) {
  HANDLERS[change.type]?.(change);
  if (!started || drawing) return;
  drawing = true;
  requestAnimationFrame(() => { drawing = false; drawSidebar(ui, side); drawTitle(); });
}

/** Put a message where it is to be seen now. */
function show(channel, message, onlyChange = false) {
  if (channel !== ui.channel || ui.home) return;
  const { channel: main, thread } = panes;
  if (inChannel(message) && (!onlyChange || main.list.rows.has(message.ts))) main.put(message);
  if (ui.thread && inThread(message, ui.thread) && (!onlyChange || thread.list.rows.has(message.ts))) thread.put(message);
}

function drop(ts) {
  panes.channel.list.drop(ts);
  if (ui.thread) panes.thread.list.drop(ts);
}

function drawAll() {
  closePopup(false);
  drawSidebar(ui, side);
  at("app").dataset.pane = ui.thread && !ui.home ? "thread" : "main";
  drawHeads();
  drawMain();
  drawThread();
  modals.show(world.screen.stack);
}

function drawMain() {
  at("home").hidden = !ui.home;
  at("messages").hidden = ui.home;
  at("composer").hidden = ui.home || world.channels.get(ui.channel)?.is_archived;
  if (ui.home) { drawHome(act); return; }
  const { count } = unreadIn(world.channels.get(ui.channel));
  panes.channel.open(count ? world.reads.get(ui.channel) || "0" : null);
  markRead();
}

function drawThread() {
  const open = Boolean(ui.thread) && !ui.home;
  at("thread").hidden = !open;
  at("app").classList.toggle("with-thread", open);
  if (!open) return;
  panes.thread.open();
  if (!world.loaded.has(`${ui.channel} ${ui.thread}`)) loadThread(ui.channel, ui.thread);
}

async function loadThread(channel, thread) {
  const answer = await act.thread(channel, thread);
  if (!answer) return;
  world.loaded.add(`${channel} ${thread}`);
  for (const each of answer.messages) postsOf(channel).set(each.ts, each);
  if (ui.channel === channel && ui.thread === thread) for (const each of answer.messages) panes.thread.put(each);
}

function drawHeads() {
  const room = world.channels.get(ui.channel);
  const back = h("button", { type: "button", class: "icon-button back", "aria-label": "Show the channels", onclick: () => { at("app").dataset.pane = "side"; at("sidebar").querySelector("[aria-current]")?.focus(); } }, icon("menu", 18));
  const tab = (name, label, open, current) => h("button", { type: "button", class: "tab", role: "tab", "aria-selected": String(current), onclick: open }, label);
  const isApp = ui.home || (room.is_im && room === botRoom());
  at("channel-head").replaceChildren(...[back, h("h1", {}, isApp ? world.bot.name : roomTitle(room)), room.is_private && !isApp && !room.is_im && icon("lock", 14),
    isApp ? h("div", { class: "tabs", role: "tablist", "aria-label": world.bot.name }, tab("home", "Home", openHome, ui.home), botRoom() && tab("messages", "Messages", () => openChannel(botRoom().id), !ui.home))
      : h("span", { class: "dim head-facts" }, describeRoom(room), room.is_archived && " · archived")].filter(Boolean));
  at("thread-head").replaceChildren(h("h1", {}, world.assistant.get(ui.thread)?.title || "Thread"), h("span", { class: "dim head-facts" }, roomTitle(room)),
    h("button", { type: "button", class: "icon-button close", "aria-label": "Close thread", title: "Close (Escape)", onclick: closeThread }, icon("close", 18)));
  at("main").setAttribute("aria-label", ui.home ? `${world.bot.name}, Home` : roomTitle(room));
  drawTitle();
}

function drawTitle() {
  const room = world.channels.get(ui.channel);
  const waiting = [...world.channels.values()].reduce((sum, each) => sum + unreadIn(each).mentions, 0);
  document.title = `${waiting ? `(${waiting}) ` : ""}${ui.home ? world.bot.name : roomTitle(room)} · slackbox`;
}

function remember(push = true) {
  const query = new URLSearchParams({ user: world.me, channel: ui.channel, ...(ui.thread ? { thread: ui.thread } : {}), ...(ui.home ? { view: "home" } : {}) });
  if (`/?${query}` !== location.pathname + location.search) history[push ? "pushState" : "replaceState"](null, "", `/?${query}`);
}

function openChannel(id) {
  Object.assign(ui, { channel: id, thread: null, home: false, held: null });
  remember();
  drawAll();
  if (matchMedia("(min-width: 761px)").matches) panes.channel.composer.box.focus();
}

function openThread(ts) {
  ui.thread = ts;
  remember();
  at("app").dataset.pane = "thread";
  drawHeads();
  drawThread();
  panes.thread.composer.box.focus();
}

function closeThread() {
  const from = ui.thread;
  ui.thread = null;
  remember();
  at("app").dataset.pane = "main";
  drawThread();
  const row = panes.channel.list.rows.get(from);
  if (row) { panes.channel.list.focusable(row); row.article.focus(); } else panes.channel.composer.box.focus();
}

function openHome() {
  Object.assign(ui, { home: true, thread: null });
  remember();
  drawAll();
  act.home();
  at("home").focus();
}

function become(user) {
  if (user === world.me) return;
  world.me = user;
  ui.held = null;
  follow((change) => { take(change); if (change.type === "hello") remember(false); }, user);
}

function quick() {
  quickSwitch((id) => (id === null ? openHome() : openChannel(id)));
}

let reading = null;
/** The channel on the screen is read up to its last message, unless the person marked it unread or is looking elsewhere. */
function markRead() {
  if (reading || ui.home || ui.held === ui.channel || document.hidden || !panes.channel.list?.stuck) return;
  reading = setTimeout(() => {
    reading = null;
    const last = [...postsOf(ui.channel).values()].filter(inChannel).reduce((most, each) => (each.ts > most ? each.ts : most), "0");
    if (ui.home || ui.held === ui.channel || document.hidden || last <= (world.reads.get(ui.channel) || "0")) return;
    world.reads.set(ui.channel, last);
    act.read(ui.channel, last);
    drawSidebar(ui, side);
  }, 150);
}

function markUnread(message) {
  ui.held = ui.channel;
  const before = justBefore(ui.channel, message.ts);
  world.reads.set(ui.channel, before);
  panes.channel.list.since = before;
  panes.channel.list.decorateAll();
  act.read(ui.channel, before);
}

const REGIONS = [() => at("sidebar").querySelector("[aria-current]"), () => (ui.home ? at("home") : panes.channel), () => panes.channel.composer.box, () => panes.thread, () => panes.thread.composer.box];

/** F6 goes round the parts of the window, as in Slack. */
function nextRegion(back) {
  const open = REGIONS.map((each) => each()).filter((each) => each instanceof Pane ? !each.box.closest("[hidden]") : each && each.getClientRects().length);
  const now = open.findIndex((each) => (each instanceof Pane ? each.box : each.closest("#sidebar") || each).contains(document.activeElement));
  const next = open[(now + (back ? -1 : 1) + open.length) % open.length];
  if (next instanceof Pane) next.list.focusLast();
  else next.focus();
}

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    if (popupIsOpen()) closePopup();
    else if (ui.thread && !ui.home) closeThread();
  } else if (event.key === "F6") nextRegion(event.shiftKey);
  else if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) quick();
  else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    const ids = [...world.channels.keys()];
    openChannel(ids[(ids.indexOf(ui.channel) + (event.key === "ArrowDown" ? 1 : ids.length - 1)) % ids.length]);
  } else return;
  event.preventDefault();
});
document.addEventListener("click", (event) => {
  const mention = event.target.closest?.("a[data-channel]");
  if (!mention || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  openChannel(mention.dataset.channel);
});
document.addEventListener("visibilitychange", () => { if (started) markRead(); });
addEventListener("popstate", () => {
  const place = placeAsked();
  Object.assign(ui, { channel: roomAsked(place.channel), thread: place.thread, home: place.home });
  drawAll();
});
addEventListener("unhandledrejection", (event) => toast(String(event.reason?.message || event.reason)));

follow(take, placeAsked().user || sessionStorage.getItem("slackbox-me"));
