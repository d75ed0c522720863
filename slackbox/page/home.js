import { patchBlocks } from "./blocks.js";
import { at, h } from "./dom.js";
import { confirmDialog } from "./modal.js";
import { world } from "./world.js";

const values = new Map();
let shown = null;

/** The app's Home tab as it was published for the present person. */
export function drawHome(act) {
  const { home } = world.screen;
  const box = at("home");
  if (!home) {
    shown = null;
    box.replaceChildren(h("div", { class: "empty" }, h("h2", {}, world.bot.home === false ? "This app has no Home tab" : "Nothing here yet"),
      h("p", {}, world.bot.home === false ? "The manifest has it switched off." : `${world.bot.name} has not published a Home tab for you.`)));
    return;
  }
  const key = `${world.me} ${home.id}`;
  if (!values.has(key)) values.set(key, {});
  const held = values.get(key);
  if (shown !== key) box.replaceChildren(h("div", { class: "home-blocks" }));
  shown = key;
  patchBlocks(box.firstChild, home.blocks, {
    values: held, place: home.id, confirm: confirmDialog,
    live: (blockId) => { const block = home.blocks.find((each) => each.block_id === blockId); return block?.type !== "input" || Boolean(block.dispatch_action); },
    press: (blockId, item, value) => act.pressInView(home.id, blockId, item, value, held),
    suggest: (blockId, item, query) => act.suggest({ view_id: home.id }, blockId, item, query),
  });
}
