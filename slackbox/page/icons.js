import { svg } from "./dom.js";

const PATHS = {
  up: "M7 10v10H3V10zm2 10V10l4-8c1.7 0 2.5 1 2.2 2.6L14.5 9H20c1.1 0 1.8 1 1.5 2l-2 7.5c-.2.9-1 1.5-2 1.5z",
  down: "M7 14V4H3v10zm2-10v10l4 8c1.7 0 2.5-1 2.2-2.6L14.5 15H20c1.1 0 1.8-1 1.5-2l-2-7.5c-.2-.9-1-1.5-2-1.5z",
  trash: "M5 7h14M10 4h4M7 7l1 13h8l1-13M10.5 11v6M13.5 11v6",
  thread: "M4 5h16v11H10l-5 4v-4H4z",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zm10 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  send: "M3 4l18 8-18 8 3-8z",
  dots: "M6 12h.01M12 12h.01M18 12h.01",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.5 14.5c1.8 2.2 5.2 2.2 7 0M9 9.5h.01M15 9.5h.01",
  out: "M14 5h5v5M19 5l-8 8M11 6H6v12h12v-5",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8h.01",
  alert: "M12 4l9 16H3zM12 10v5M12 17.5h.01",
  check: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8 12l3 3 5-6",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  hash: "M9 4L7 20M17 4l-2 16M4 9h16M4 15h16",
  bullets: "M9 6h11M9 12h11M9 18h11M4 6h.01M4 12h.01M4 18h.01",
  numbers: "M10 6h10M10 12h10M10 18h10M4 5l1.5-1v5M4 14.5c0-1.5 2.5-1.5 2.5 0L4 18h2.5",
  close: "M6 6l12 12M18 6L6 18",
  back: "M14 6l-6 6 6 6",
  bell: "M6 17h12l-1.5-2.5V10a4.5 4.5 0 0 0-9 0v4.5zM10.5 20h3",
  pin: "M9 4h6l-1 6 3 3H7l3-3zM12 13v7",
  theme: "M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9z",
  menu: "M4 7h16M4 12h16M4 17h16",
  lower: "M6 9l6 6 6-6",
  mag: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5",
  at: "M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0zm0 0v1.5a2.5 2.5 0 0 0 5 0V12a9 9 0 1 0-3.5 7.1",
};

/** A line drawing that takes the colour of the text around it. */
export function icon(name, size = 16) {
  return svg("svg", { viewBox: "0 0 24 24", width: size, height: size, class: "icon-svg", "aria-hidden": "true" },
    svg("path", { d: PATHS[name], fill: "none", stroke: "currentColor", "stroke-width": name === "dots" ? 3 : 1.8, "stroke-linejoin": "round", "stroke-linecap": "round" }));
}
