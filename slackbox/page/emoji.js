import { h } from "./dom.js";

const EMOJI = {
  "+1": "👍", "-1": "👎", thumbsup: "👍", thumbsdown: "👎", eyes: "👀", white_check_mark: "✅", heavy_check_mark: "✔️",
  x: "❌", warning: "⚠️", rotating_light: "🚨", fire: "🔥", red_circle: "🔴", large_orange_circle: "🟠",
  large_yellow_circle: "🟡", large_green_circle: "🟢", large_blue_circle: "🔵", white_circle: "⚪", black_circle: "⚫",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", mag: "🔍", mag_right: "🔎", bar_chart: "📊",
  chart_with_upwards_trend: "📈", chart_with_downwards_trend: "📉", robot_face: "🤖", wave: "👋", tada: "🎉",
  rocket: "🚀", lock: "🔒", unlock: "🔓", key: "🔑", wrench: "🔧", hammer_and_wrench: "🛠️", gear: "⚙️", bug: "🐛",
  bulb: "💡", memo: "📝", book: "📖", books: "📚", link: "🔗", pushpin: "📌", bell: "🔔", no_bell: "🔕",
  no_entry: "⛔", no_entry_sign: "🚫", octagonal_sign: "🛑", question: "❓", exclamation: "❗", information_source: "ℹ️",
  arrow_up: "⬆️", arrow_down: "⬇️", arrow_right: "➡️", arrow_left: "⬅️", repeat: "🔁", leftwards_arrow_with_hook: "↩️",
  clock1: "🕐", stopwatch: "⏱️", alarm_clock: "⏰", calendar: "📅", package: "📦", ship: "🚢", construction: "🚧",
  zap: "⚡", boom: "💥", sparkles: "✨", star: "⭐", heart: "❤️", smile: "😄", thinking_face: "🤔", cry: "😢", pray: "🙏",
  clap: "👏", muscle: "💪", ok_hand: "👌", raised_hands: "🙌", point_right: "👉", point_down: "👇", speech_balloon: "💬",
  brain: "🧠", ambulance: "🚑", ghost: "👻", skull: "💀", sos: "🆘", new: "🆕", ok: "🆗", up: "🆙", cool: "🆒",
  checkered_flag: "🏁", dart: "🎯", shield: "🛡️", satellite_antenna: "📡", floppy_disk: "💾", wastebasket: "🗑️",
  double_vertical_bar: "⏸️", arrow_forward: "▶️", black_square_for_stop: "⏹️", one: "1️⃣", two: "2️⃣", three: "3️⃣",
};

// Machines without an emoji font (servers that take screenshots) get a plain sign instead of an empty box.
const SIGNS = {
  white_check_mark: ["✓", "--green"], heavy_check_mark: ["✓", "--green"], x: ["✗", "--red"], warning: ["⚠", "--amber"],
  red_circle: ["●", "--red"], large_orange_circle: ["●", "--amber"], large_yellow_circle: ["●", "--amber"],
  large_green_circle: ["●", "--green"], large_blue_circle: ["●", "--blue"], white_circle: ["○", "--dim"],
  arrow_up: ["↑", "--dim"], arrow_down: ["↓", "--dim"], arrow_right: ["→", "--dim"], star: ["★", "--amber"],
};

/** True when the machine can draw emoji in colour. */
const hasFont = (() => {
  const paint = Object.assign(document.createElement("canvas"), { width: 20, height: 20 }).getContext("2d", { willReadFrequently: true });
  if (!paint) return true;
  paint.font = "16px sans-serif";
  paint.fillText("\u{1F525}", 0, 16);
  const data = paint.getImageData(0, 0, 20, 20).data;
  return data.some((value, index) => index % 4 === 0 && data[index + 3] > 0 && (value !== data[index + 1] || value !== data[index + 2]));
})();

/** An emoji by its short name; the name itself when it is not known here. */
export function emojiFor(name) {
  const label = { title: `:${name}:`, role: "img", "aria-label": name.replace(/_/g, " ") };
  if (Object.hasOwn(EMOJI, name) && hasFont) return h("span", { class: "emoji", ...label }, EMOJI[name]);
  if (Object.hasOwn(SIGNS, name)) return h("span", { ...label, class: "sign", style: { color: `var(${SIGNS[name][1]})` } }, SIGNS[name][0]);
  return h("span", { class: "emoji-name", title: `:${name}:` }, `:${name}:`);
}

/** Short names that begin with or contain what was typed. */
export function findEmoji(typed) {
  const names = Object.keys(EMOJI);
  return [...names.filter((each) => each.startsWith(typed)), ...names.filter((each) => !each.startsWith(typed) && each.includes(typed))];
}

/** The ones people reach for first when they react. */
export const FREQUENT = ["+1", "eyes", "white_check_mark", "tada", "heart", "rocket", "raised_hands", "pray", "fire", "thinking_face", "x", "question"];
