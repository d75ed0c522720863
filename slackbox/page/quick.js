import { h } from "./dom.js";
import { icon } from "./icons.js";
import { Listbox } from "./popup.js";
import { roomName, world } from "./world.js";

/** Jump to a conversation by typing a part of its name. `go(id)` gets a channel's id, or null for the app. */
export function quickSwitch(go) {
  const box = h("input", { type: "text", class: "quick-input", placeholder: "Jump to…", "aria-label": "Jump to a conversation", autocomplete: "off" });
  const leave = () => { dialog.close(); dialog.remove(); };
  const list = new Listbox(box, { label: "Conversations", onpick: (item) => { leave(); go(item.id); } });
  const dialog = h("dialog", { class: "modal quick", "aria-label": "Jump to a conversation", oncancel: (event) => { event.preventDefault(); leave(); }, onclick: (event) => { if (event.target === dialog) leave(); } }, box, list.node);
  const show = () => {
    const wanted = box.value.trim().toLowerCase().replace(/^[#@]/, "");
    const rooms = [...world.channels.values()].map((each) => ({ id: each.id, label: roomName(each), icon: icon(each.is_im ? "at" : each.is_private ? "lock" : "hash", 15) }));
    list.show([...rooms, { id: null, label: world.bot.name, hint: "App", icon: icon("info", 15) }].filter((each) => each.label.toLowerCase().includes(wanted)), { note: "Nothing has this name." });
  };
  box.addEventListener("input", show);
  box.addEventListener("keydown", (event) => { list.key(event); });
  document.body.append(dialog);
  dialog.showModal();
  show();
  box.focus();
}
