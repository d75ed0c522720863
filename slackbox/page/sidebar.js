import { at, h, nodesOf } from "./dom.js";
import { icon } from "./icons.js";
import { avatar } from "./message.js";
import { menuButton } from "./popup.js";
import { author, roomName, unreadIn, world } from "./world.js";

/** The left column. `ui`: {channel, home}; `act`: {openChannel, openHome, become, quick}. */
export function drawSidebar(ui, act) {
  const box = at("sidebar");
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const top = box.querySelector(".rooms")?.scrollTop;
  const all = [...world.channels.values()].filter((each) => !each.is_archived);
  const direct = all.filter((each) => each.is_im || each.is_mpim);
  const row = (room) => roomRow(room, ui, act);
  const rooms = h("div", { class: "rooms" },
    h("h2", { class: "group" }, "Channels"), all.filter((each) => !direct.includes(each)).map(row),
    direct.length > 0 && [h("h2", { class: "group" }, "Direct messages"), direct.map(row)],
    h("h2", { class: "group" }, "Apps"), appRow(ui, act));
  box.replaceChildren(...nodesOf([
    h("div", { class: "team" }, h("span", { class: "team-name" }, world.team),
      h("button", { type: "button", class: "side-button", title: "Jump to… (Ctrl+K)", "aria-label": "Jump to a conversation", "data-key": "quick", onclick: act.quick }, icon("mag", 16)),
      themeButton()),
    rooms, checks(), personButton(act)]));
  if (top) rooms.scrollTop = top;
  if (focused) box.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

function roomRow(room, ui, act) {
  const { count, mentions } = unreadIn(room);
  const current = room.id === ui.channel && !ui.home;
  const name = roomName(room);
  const sign = room.is_im || room.is_mpim ? h("i", { class: "presence on" }) : icon(room.is_private ? "lock" : "hash", 14);
  return h("button", { type: "button", class: `room ${current ? "current" : ""} ${count ? "unread" : ""}`, "aria-current": current ? "page" : null, "data-key": room.id,
    "aria-label": `${name}${count ? `, ${count} unread` : ""}${mentions ? `, ${mentions} ${mentions === 1 ? "mention" : "mentions"}` : ""}`, onclick: () => act.openChannel(room.id) },
  h("span", { class: "hash" }, sign), h("span", { class: "room-name" }, name), mentions > 0 && h("span", { class: "count" }, String(mentions)));
}

function appRow(ui, act) {
  const on = world.connections > 0;
  return h("button", { type: "button", class: `room ${ui.home ? "current" : ""}`, "aria-current": ui.home ? "page" : null, "data-key": "app", onclick: act.openHome },
    h("span", { class: "hash" }, h("i", { class: `presence ${on ? "on" : ""}`, role: "img", "aria-label": on ? "connected" : "not connected", title: on ? "Connected" : "Not connected" })),
    h("span", { class: "room-name" }, world.bot.name), !on && h("span", { class: "off" }, "offline"));
}

const THEMES = [["system", "Like the system"], ["light", "Light"], ["dark", "Dark"]];

function themeButton() {
  return menuButton({ class: "side-button", title: "Light or dark", "aria-label": "Light or dark", "data-key": "theme" }, icon("theme"), () => THEMES.map(([name, label]) => ({
    label, checked: window.slackboxTheme.chosen() === name, act: () => window.slackboxTheme.choose(name),
  })));
}

/** What the app did that Slack would hide; a test would fail on these. */
function checks() {
  const bad = [
    ...world.violations.map((each) => ({ label: each.rule, hint: [each.method, each.block_id, each.text].filter(Boolean).join(" ") })),
    ...world.unacked.map((each) => ({ label: "not acknowledged", hint: `${each.kind || ""} ${each.reason || ""}` })),
  ];
  if (!bad.length) return null;
  return menuButton({ class: "checks", "data-key": "checks", "aria-label": `${bad.length} broken rules` }, [icon("alert", 14), `${bad.length} broken ${bad.length === 1 ? "rule" : "rules"}`],
    () => [{ heading: "Slack would let these pass; a test fails on them" }, ...bad.slice(-20)], { above: true });
}

function personButton(act) {
  const me = world.people.get(world.me);
  const people = [...world.people.values()].filter((each) => !each.is_bot && !each.deleted);
  return menuButton({ class: "person", "aria-label": `You are ${me?.real_name}. Choose another person`, "data-key": "person" },
    [avatar(author({ user: world.me })), h("span", { class: "person-names" }, h("span", { class: "person-role" }, "You are"), h("strong", {}, me?.real_name || world.me)), icon("lower", 14)],
    () => people.map((each) => ({ label: each.real_name, hint: each.profile.title, checked: each.id === world.me, act: () => act.become(each.id) })), { above: true, label: "Who you are" });
}
