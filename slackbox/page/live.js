import { at } from "./dom.js";
import { world } from "./world.js";

let socket = null;
let waiting = null;
let delay = 300;

/** Follow the workspace as the present person. The first frame is the whole state, the others are changes. */
export function follow(take, user = world.me) {
  clearTimeout(waiting);
  if (socket) { socket.onclose = null; socket.close(); }
  const query = user ? `?${new URLSearchParams({ user })}` : "";
  const mine = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/_page/live${query}`);
  socket = mine;
  mine.onmessage = (event) => {
    if (mine !== socket) return;
    const change = JSON.parse(event.data);
    if (change.type === "hello") { at("offline").hidden = true; delay = 300; }
    take(change);
  };
  mine.onclose = () => {
    at("offline").hidden = false;
    waiting = setTimeout(() => follow(take, world.me || user), delay);
    delay = Math.min(5000, delay * 2);
  };
}
