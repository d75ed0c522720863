import { svg } from "./dom.js";

const PATHS = {
  up: "M7 10v10H3V10zm2 10V10l4-8c1.7 0 2.5 1 2.2 2.6L14.5 9H20c1.1 0 1.8 1 1.5 2l-2 7.5c-.2.9-1 1.5-2 1.5z",
  down: "M7 14V4H3v10zm2-10v10l4 8c1.7 0 2.5-1 2.2-2.6L14.5 15H20c1.1 0 1.8-1 1.5-2l-2-7.5c-.2-.9-1-1.5-2-1.5z",
  trash: "M5 7h14M10 4h4M7 7l1 13h8l1-13M10.5 11v6M13.5 11v6",
  thread: "M4 5h16v11H10l-5 4v-4H4z",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zm10 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  send: "M3 4l18 8-18 8 3-8z",
};

/** A line drawing that takes the colour of the text around it. */
export function icon(name, size = 16) {
  return svg("svg", { viewBox: "0 0 24 24", width: size, height: size, class: "icon-svg", "aria-hidden": "true" },
    svg("path", { d: PATHS[name], fill: "none", stroke: "currentColor", "stroke-width": 1.8, "stroke-linejoin": "round", "stroke-linecap": "round" }));
}
