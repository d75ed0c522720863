import { blocks } from "./blocks.js";
import { h, send } from "./dom.js";
import { setChoices } from "./elements.js";
import { icon } from "./icons.js";
import { messageNode } from "./message.js";
import { confirmDialog, showErrors, showModal } from "./modal.js";
import { setNames } from "./mrkdwn.js";

const at = (id) => document.getElementById(id);
const asked = new URLSearchParams(location.search);
const world = { people: new Map(), channels: new Map(), messages: new Map(), private: new Map(), screens: {}, shortcuts: [], commands: [], state: {} };
const ui = { channel: null, thread: null, home: false, me: "U0ANA", unread: new Map(), statuses: new Map(), values: new Map() };

async function load() {
  const all = await (await fetch("/_page/state")).json();
  Object.assign(world, { team: all.team, bot: all.bot, shortcuts: all.shortcuts, commands: all.commands, screens: all.screens, state: all.state });
  world.people = new Map(all.people.map((each) => [each.id, each]));
  world.channels = new Map(all.channels.map((each) => [each.id, each]));
  world.messages = new Map(Object.entries(all.messages).map(([id, list]) => [id, new Map(list.map((each) => [each.ts, each]))]));
  setNames({
    people: Object.fromEntries(all.people.map((each) => [each.id, each.profile.display_name])),
    channels: Object.fromEntries(all.channels.map((each) => [each.id, each.name])),
    groups: Object.fromEntries(all.groups.map((each) => [each.id, each.handle])),
  });
  setChoices(all.people.filter((each) => !each.is_bot), all.channels);
}

function start() {
  const archive = /^\/archives\/(\w+)\/p(\d+)(\d{6})$/.exec(location.pathname);
  ui.me = asked.get("user") || sessionStorage.getItem("me") || "U0ANA";
  ui.thread = asked.get("thread") || asked.get("thread_ts") || (archive && `${archive[2]}.${archive[3]}`);
  const wanted = asked.get("channel") || archive?.[1];
  ui.channel = world.channels.has(wanted) ? wanted : world.channels.keys().next().value;
  ui.home = asked.get("view") === "home";
  composer(at("composer"), () => null);
  composer(at("thread-composer"), () => ui.thread);
  drawAll();
  showScreens();
}

function live() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/_page/live`);
  socket.onmessage = (event) => take(JSON.parse(event.data));
  socket.onclose = () => { toast("Connection lost. Trying again…"); setTimeout(again, 1000); };
}

async function again() {
  try { await load(); drawAll(); showScreens(); toast(""); live(); } catch { setTimeout(again, 1000); }
}

const HANDLERS = {
  message: (change) => {
    world.messages.get(change.channel)?.set(change.message.ts, change.message);
    const hidden = change.channel !== ui.channel || ui.home;
    if (hidden && change.message.user !== ui.me) ui.unread.set(change.channel, (ui.unread.get(change.channel) || 0) + 1);
    if (change.message.thread_ts) ui.statuses.delete(change.message.thread_ts);
  },
  changed: (change) => world.messages.get(change.channel)?.set(change.message.ts, change.message),
  deleted: (change) => {
    world.messages.get(change.channel)?.delete(change.ts);
    for (const list of world.private.values()) list.delete(change.ts);
  },
  ephemeral: (change) => {
    const key = `${change.user} ${change.channel}`;
    if (!world.private.has(key)) world.private.set(key, new Map());
    world.private.get(key).set(change.message.ts, change.message);
  },
  views: (change) => { world.screens[change.user] = { stack: change.stack, home: change.home }; showScreens(); },
  status: (change) => { if (change.status) ui.statuses.set(change.thread_ts, change.status); else ui.statuses.delete(change.thread_ts); },
  connections: (change) => { world.state.connections = change.count; },
};

let scheduled = false;
function take(change) {
  HANDLERS[change.type]?.(change);
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => { scheduled = false; drawAll(); });
}

function drawAll() {
  drawSidebar();
  drawChannel();
  drawThread();
}

function drawSidebar() {
  const people = [...world.people.values()].filter((each) => !each.is_bot);
  const rooms = [...world.channels.values()].map((room) => {
    const unread = ui.unread.get(room.id);
    return h("button", { type: "button", class: `room ${room.id === ui.channel && !ui.home ? "current" : ""} ${unread ? "unread" : ""}`, "aria-current": room.id === ui.channel && !ui.home ? "page" : null, onclick: () => openChannel(room.id) },
      h("span", { class: "hash" }, room.is_private ? "🔒" : "#"), room.name, unread ? h("span", { class: "count" }, String(unread)) : null);
  });
  const connected = world.state.connections > 0;
  at("sidebar").replaceChildren(
    h("div", { class: "team" }, world.team),
    h("div", { class: "group" }, "Channels"), ...rooms,
    h("div", { class: "group" }, "Apps"),
    h("button", { type: "button", class: `room ${ui.home ? "current" : ""}`, onclick: openHome },
      h("i", { class: `presence ${connected ? "on" : ""}`, title: connected ? "connected" : "not connected" }), world.bot.name),
    h("div", { class: "spacer" }),
    h("label", { class: "me" }, h("span", {}, "You are"), h("select", { onchange: (event) => become(event.target.value) },
      people.map((each) => h("option", { value: each.id, selected: each.id === ui.me }, each.real_name)))));
}

function become(user) {
  ui.me = user;
  sessionStorage.setItem("me", user);
  drawAll();
  showScreens();
}

function remember() {
  const query = new URLSearchParams({ channel: ui.channel, ...(ui.thread ? { thread: ui.thread } : {}), ...(ui.home ? { view: "home" } : {}) });
  history.replaceState(null, "", `/?${query}`);
}

function openChannel(id) {
  Object.assign(ui, { channel: id, thread: null, home: false });
  ui.unread.delete(id);
  remember();
  drawAll();
  at("composer").querySelector("textarea").focus();
}

function openThread(ts) {
  ui.thread = ts;
  remember();
  drawAll();
  at("thread-composer").querySelector("textarea").focus();
}

async function openHome() {
  Object.assign(ui, { home: true, thread: null });
  remember();
  drawAll();
  await tried(() => send("/_test/home", { user: ui.me }));
}

function visible(thread) {
  const all = [...(world.messages.get(ui.channel)?.values() || []), ...(world.private.get(`${ui.me} ${ui.channel}`)?.values() || [])];
  const isReply = (each) => each.thread_ts && each.thread_ts !== each.ts;
  const wanted = thread
    ? (each) => each.ts === thread || each.thread_ts === thread
    : (each) => !isReply(each) || each.subtype === "thread_broadcast";
  return all.filter(wanted).sort((a, b) => (a.ts < b.ts ? -1 : 1));
}

function drawList(box, list, view, extra) {
  const stick = box.scrollHeight - box.scrollTop - box.clientHeight < 60 || !box.childElementCount;
  const top = box.scrollTop;
  const open = new Map([...box.querySelectorAll("details.container, details.plan")].map((each) => [place(each), each.open]));
  const side = new Map([...box.querySelectorAll(".carousel")].map((each) => [place(each), each.scrollLeft]));
  const nodes = [];
  let previous = null;
  for (const message of list) {
    const day = new Date(Number(message.ts) * 1000).toDateString();
    if (!view.inThread && (!previous || day !== new Date(Number(previous.ts) * 1000).toDateString())) nodes.push(h("div", { class: "day" }, h("span", {}, day === new Date().toDateString() ? "Today" : day)));
    nodes.push(messageNode(message, view.inThread && previous === list[0] ? null : previous, view));
    if (view.inThread && message === list[0]) nodes.push(h("div", { class: "day replies" }, h("span", {}, `${list.length - 1} ${list.length === 2 ? "reply" : "replies"}`)));
    previous = message;
  }
  box.replaceChildren(...nodes, ...(extra || []));
  for (const each of box.querySelectorAll("details.container, details.plan")) if (open.has(place(each))) each.open = open.get(place(each));
  for (const each of box.querySelectorAll(".carousel")) if (side.has(place(each))) each.scrollLeft = side.get(place(each));
  box.scrollTop = stick ? box.scrollHeight : top;
}

/** A stable name for something that can be opened or scrolled, so that an update keeps it as the reader left it. */
function place(node) {
  const message = node.closest("[data-ts]")?.dataset.ts;
  const same = [...node.closest("[data-ts]").querySelectorAll(node.tagName)].indexOf(node);
  return `${message} ${node.className} ${same}`;
}

function viewOf(inThread) {
  return { world, me: ui.me, inThread, openThread, shortcut: useShortcut, contextFor };
}

function contextFor(message) {
  const key = `${ui.me} ${ui.channel} ${message.ts}`;
  if (!ui.values.has(key)) ui.values.set(key, {});
  const values = ui.values.get(key);
  return {
    values, confirm: confirmDialog,
    live: (blockId) => { const block = (message.blocks || []).find((each) => each.block_id === blockId); return block?.type !== "input" || block.dispatch_action; },
    press: (blockId, item, value) => tried(async () => {
      const answer = await send("/_test/press", { user: ui.me, channel: ui.channel, ts: message.ts, action_id: item.action_id, block_id: blockId || undefined, value, state: values });
      if (!answer.acked) toast(`${world.bot.name} did not answer in time.`);
    }),
  };
}

async function useShortcut(message, callbackId) {
  await tried(async () => {
    const answer = await send("/_test/shortcut", { user: ui.me, channel: ui.channel, ts: message.ts, callback_id: callbackId });
    if (!answer.acked) toast(`${world.bot.name} did not answer in time.`);
  });
}

function drawChannel() {
  const room = world.channels.get(ui.channel);
  at("composer").hidden = ui.home;
  document.title = ui.home ? `${world.bot.name} · slackbox` : `#${room.name} · slackbox`;
  if (ui.home) return drawHome();
  at("channel-head").replaceChildren(h("h1", {}, `# ${room.name}`), h("span", { class: "dim" }, `${room.num_members} members`));
  const list = visible(null);
  drawList(at("messages"), list, viewOf(false), list.length ? [] : [h("p", { class: "empty" }, `This is the very beginning of #${room.name}.`)]);
  at("composer").querySelector("textarea").placeholder = `Message #${room.name}`;
}

function drawHome() {
  const home = world.screens[ui.me]?.home;
  at("channel-head").replaceChildren(h("h1", {}, world.bot.name), h("span", { class: "dim" }, "Home"));
  const context = { values: {}, confirm: confirmDialog, live: () => true, press: (blockId, item, value) => pressInView(home, blockId, item, value, {}) };
  at("messages").replaceChildren(h("div", { class: "home" }, home ? blocks(home.blocks, context) : h("p", { class: "empty" }, `${world.bot.name} has not published a Home tab for you.`)));
}

function drawThread() {
  const pane = at("thread");
  pane.hidden = !ui.thread || ui.home;
  at("app").classList.toggle("with-thread", !pane.hidden);
  if (pane.hidden) return;
  at("thread-head").replaceChildren(h("h1", {}, "Thread"), h("span", { class: "dim" }, `# ${world.channels.get(ui.channel).name}`),
    h("button", { type: "button", class: "quiet", "aria-label": "Close thread", onclick: () => { ui.thread = null; remember(); drawAll(); } }, "✕"));
  const status = ui.statuses.get(ui.thread);
  drawList(at("thread-messages"), visible(ui.thread), viewOf(true), status ? [h("div", { class: "typing" }, h("i"), `${world.bot.name} ${status}`)] : []);
}

function composer(form, thread) {
  const help = h("div", { class: "suggest", role: "listbox" });
  const box = h("textarea", { rows: 1, placeholder: "Reply…", "aria-label": "Message" });
  const submit = async () => {
    const text = box.value.trim();
    if (!text) return;
    box.value = "";
    suggest();
    await tried(() => (text.startsWith("/") ? command(text, thread()) : say(text, thread())));
  };
  const suggest = () => {
    const typed = box.value;
    const found = !thread() && typed.startsWith("/") && !typed.includes(" ") ? world.commands.filter((each) => each.command.startsWith(typed)) : [];
    help.replaceChildren(...found.map((each) => h("button", { type: "button", role: "option", onclick: () => { box.value = `${each.command} `; box.focus(); suggest(); } },
      h("strong", {}, each.command), " ", h("span", { class: "dim" }, each.hint), h("div", { class: "dim" }, each.description))));
    box.style.height = "auto";
    box.style.height = `${Math.min(180, box.scrollHeight)}px`;
  };
  box.addEventListener("input", suggest);
  box.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); } });
  form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  form.replaceChildren(help, h("div", { class: "compose-box" }, box, h("button", { class: "send", "aria-label": "Send" }, icon("send", 15))));
}

/** People type @name and #channel; Slack stores ids. */
function encode(text) {
  const escaped = text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const person = (name) => [...world.people.values()].find((each) => each.profile.display_name === name || each.name === name);
  return escaped
    .replace(/@([\w-]+)/g, (whole, name) => (person(name) ? `<@${person(name).id}>` : whole))
    .replace(/#([\w-]+)/g, (whole, name) => { const room = [...world.channels.values()].find((each) => each.name === name); return room ? `<#${room.id}|${name}>` : whole; });
}

const say = (text, thread) => send("/_test/post", { user: ui.me, channel: ui.channel, text: encode(text), thread_ts: thread || undefined });

async function command(text, thread) {
  if (thread) throw new Error("Slash commands do not work in threads. Use a message shortcut instead.");
  const [, name, rest] = /^(\S+)\s*([\s\S]*)$/.exec(text);
  await send("/_test/command", { user: ui.me, channel: ui.channel, command: name, text: encode(rest) });
}

const act = {
  press: (view, blockId, item, value, values) => pressInView(view, blockId, item, value, values),
  submit: (view, values) => tried(async () => {
    const answer = await send("/_test/submit", { user: ui.me, view_id: view.id, values });
    if (Object.keys(answer.errors).length) showErrors(answer.errors, act);
    else if (!answer.acked) toast(`We had some trouble connecting: ${world.bot.name} did not answer.`);
  }),
  close: (view) => tried(() => send("/_test/close", { user: ui.me, view_id: view.id })),
};

const pressInView = (view, blockId, item, value, values) => tried(() =>
  send("/_test/press", { user: ui.me, view_id: view.id, action_id: item.action_id, block_id: blockId || undefined, value, state: values }));

function showScreens() {
  showModal(world.screens[ui.me]?.stack || [], act);
}

async function tried(work) {
  try { await work(); } catch (error) { toast(error.message); }
}

let hiding;
function toast(text) {
  at("toast").textContent = text;
  clearTimeout(hiding);
  hiding = setTimeout(() => { at("toast").textContent = ""; }, 6000);
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]") && ui.thread) { ui.thread = null; remember(); drawAll(); }
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    const ids = [...world.channels.keys()];
    openChannel(ids[(ids.indexOf(ui.channel) + (event.key === "ArrowDown" ? 1 : ids.length - 1)) % ids.length]);
  }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.overflow[open]")) if (!menu.contains(event.target)) menu.open = false;
});

await load();
live();
start();
