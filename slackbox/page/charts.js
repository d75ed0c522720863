import { h, svg } from "./dom.js";

const WIDTH = 560;
const HEIGHT = 240;
const EDGE = { top: 12, right: 14, bottom: 40, left: 52 };
const color = (index) => `var(--series-${index % 6})`;
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export function chart(block) {
  const { chart: data, title } = block;
  const drawing = data.type === "pie" ? pie(data) : plot(data);
  const names = data.type === "pie" ? data.segments.map((each) => each.label) : data.series.map((each) => each.name);
  const values = data.type === "pie"
    ? data.segments.map((each) => `${each.label}: ${each.value}`).join(", ")
    : data.series.map((each) => `${each.name}: ${each.data.map((p) => `${p.label} ${p.value}`).join(", ")}`).join("; ");
  return h("figure", { class: "chart" },
    h("figcaption", {}, title),
    h("div", { role: "img", "aria-label": `${title}. ${values}` }, drawing),
    h("div", { class: "legend" }, names.map((name, index) =>
      h("span", {}, h("i", { style: `background:${color(index)}` }), name))));
}

function plot({ type, series, axis_config: axes }) {
  const categories = axes.categories;
  const inner = { width: WIDTH - EDGE.left - EDGE.right, height: HEIGHT - EDGE.top - EDGE.bottom };
  const all = series.flatMap((each) => each.data.map((point) => point.value));
  const ticks = scale(Math.min(0, ...all), Math.max(0, ...all));
  const low = ticks[0];
  const high = ticks[ticks.length - 1];
  const y = (value) => EDGE.top + inner.height * (1 - (value - low) / (high - low || 1));
  const slot = inner.width / categories.length;
  const x = (index) => EDGE.left + slot * (index + 0.5);
  const root = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "plot" });
  for (const tick of ticks) {
    root.append(svg("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(tick), y2: y(tick), class: tick === 0 ? "axis" : "grid" }),
      svg("text", { x: EDGE.left - 8, y: y(tick) + 4, "text-anchor": "end" }, short.format(tick)));
  }
  const every = Math.ceil(categories.length / 10);
  categories.forEach((name, index) => index % every === 0 &&
    root.append(svg("text", { x: x(index), y: HEIGHT - EDGE.bottom + 17, "text-anchor": "middle" }, name)));
  if (axes.x_label) root.append(svg("text", { x: EDGE.left + inner.width / 2, y: HEIGHT - 4, "text-anchor": "middle", class: "axis-label" }, axes.x_label));
  if (axes.y_label) root.append(svg("text", { transform: `translate(12 ${EDGE.top + inner.height / 2}) rotate(-90)`, "text-anchor": "middle", class: "axis-label" }, axes.y_label));
  series.forEach((each, number) => {
    const value = (name) => each.data.find((point) => point.label === name)?.value ?? 0;
    const points = categories.map((name, index) => [x(index), y(value(name)), value(name), name]);
    root.append(...(type === "bar" ? bars(points, number, series.length, slot, y(0)) : line(points, number, type, y(0), each.name)));
  });
  return root;
}

function line(points, number, type, zero, name) {
  const path = points.map(([px, py], index) => `${index ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
  const area = `${path}L${points[points.length - 1][0]} ${zero}L${points[0][0]} ${zero}Z`;
  return [
    type === "area" && svg("path", { d: area, fill: color(number), opacity: 0.22 }),
    svg("path", { d: path, fill: "none", stroke: color(number), "stroke-width": 2.2, "stroke-linejoin": "round" }),
    ...points.map(([px, py, value, label]) =>
      svg("circle", { cx: px, cy: py, r: 3, fill: color(number) }, svg("title", {}, `${name}, ${label}: ${value}`))),
  ].filter(Boolean);
}

function bars(points, number, count, slot, zero) {
  const width = Math.min(34, (slot * 0.72) / count);
  return points.map(([px, py, value, label]) => svg("rect", {
    x: px - (width * count) / 2 + width * number, width: width - 1.5, rx: 2, fill: color(number),
    y: Math.min(py, zero), height: Math.max(1, Math.abs(zero - py)),
  }, svg("title", {}, `${label}: ${value}`)));
}

function pie({ segments }) {
  const total = segments.reduce((sum, each) => sum + each.value, 0);
  const root = svg("svg", { viewBox: "0 0 220 220", class: "pie" });
  let from = -Math.PI / 2;
  segments.forEach((each, index) => {
    const to = from + (each.value / total) * Math.PI * 2;
    const at = (angle) => `${(110 + 96 * Math.cos(angle)).toFixed(2)} ${(110 + 96 * Math.sin(angle)).toFixed(2)}`;
    const title = svg("title", {}, `${each.label}: ${each.value} (${Math.round((100 * each.value) / total)}%)`);
    root.append(segments.length === 1
      ? svg("circle", { cx: 110, cy: 110, r: 96, fill: color(index) }, title)
      : svg("path", { d: `M110 110L${at(from)}A96 96 0 ${to - from > Math.PI ? 1 : 0} 1 ${at(to)}Z`, fill: color(index), class: "slice" }, title));
    from = to;
  });
  return root;
}

function scale(low, high) {
  const span = high - low || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
  const ticks = [];
  for (let tick = Math.floor(low / step) * step; tick < high + step * 0.999; tick += step) ticks.push(Number(tick.toFixed(10)));
  return ticks.length > 1 ? ticks : [low, low + 1];
}
