import { h, svg } from "./dom.js";

const WIDTH = 600;
const EDGE = { top: 14, right: 14, left: 54 };
const PLOT = 190;
const COLORS = 12;
const color = (index) => `var(--series-${index % COLORS})`;
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const exact = new Intl.NumberFormat(undefined, { maximumFractionDigits: 6 });

/** A data_visualization block: line, bar, area or pie, drawn with the page's own colours. */
export function chart(block) {
  const { chart: data, title } = block;
  if (data.type === "pie") return figure(title, spoken(data), pie(data));
  const marks = data.series.map((each, index) => h("span", {}, swatch(index), each.name));
  return figure(title, spoken(data), [plot(data), h("div", { class: "legend" }, marks)]);
}

const figure = (title, words, inside) => h("figure", { class: "chart", role: "img", "aria-label": `${title}. ${words}` }, h("figcaption", {}, title), inside);
const swatch = (index) => h("i", { style: { background: color(index) } });

/** Every value in words: a chart must say as much to those who cannot see it. */
function spoken(data) {
  if (data.type === "pie") return data.segments.map((each) => `${each.label}: ${each.value}`).join(", ");
  return data.series.map((each) => `${each.name}: ${each.data.map((point) => `${point.label} ${point.value}`).join(", ")}`).join("; ");
}

function plot({ type, series, axis_config: axes }) {
  const { categories } = axes;
  const wide = WIDTH - EDGE.left - EDGE.right;
  const slot = wide / categories.length;
  // Labels that would run into each other are turned, and the drawing grows by their length.
  const longest = Math.max(...categories.map((each) => each.length));
  const turned = longest * 6.4 > slot - 4;
  const foot = (turned ? Math.min(110, longest * 4.6 + 16) : 24) + (axes.x_label ? 18 : 0);
  const height = EDGE.top + PLOT + foot;
  const ticks = scale(...range(type, series));
  const [low, high] = [ticks[0], ticks.at(-1)];
  const y = (value) => EDGE.top + PLOT * (1 - (value - low) / (high - low || 1));
  const x = (index) => EDGE.left + slot * (index + 0.5);
  const root = svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, class: "plot", "aria-hidden": "true" });
  for (const tick of ticks) {
    root.append(svg("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(tick), y2: y(tick), class: tick === 0 ? "axis" : "grid" }),
      svg("text", { x: EDGE.left - 8, y: y(tick) + 4, "text-anchor": "end" }, short.format(tick)));
  }
  categories.forEach((name, index) => {
    const at = EDGE.top + PLOT + 17;
    root.append(turned ? svg("text", { transform: `translate(${x(index) + 4} ${at - 4}) rotate(-42)`, "text-anchor": "end" }, name) : svg("text", { x: x(index), y: at, "text-anchor": "middle" }, name));
  });
  if (axes.x_label) root.append(svg("text", { x: EDGE.left + wide / 2, y: height - 4, "text-anchor": "middle" }, axes.x_label));
  if (axes.y_label) root.append(svg("text", { transform: `translate(12 ${EDGE.top + PLOT / 2}) rotate(-90)`, "text-anchor": "middle" }, axes.y_label));
  series.forEach((each, number) => {
    const values = new Map(each.data.map((point) => [point.label, point.value]));
    const points = categories.map((name, index) => [x(index), y(values.get(name) ?? 0), values.get(name) ?? 0, name]);
    root.append(...(type === "bar" ? bars(points, number, series.length, slot, y(0), each.name) : line(points, number, type, y(Math.max(0, low)), each.name)));
  });
  return root;
}

/** Bars and areas start at zero; a line may start where its values do if they are far from zero. */
function range(type, series) {
  const all = series.flatMap((each) => each.data.map((point) => point.value));
  const [low, high] = [Math.min(...all), Math.max(...all)];
  if (type === "line" && low > 0 && low > (high - low) * 4) return [low, high];
  return [Math.min(0, low), Math.max(0, high)];
}

function line(points, number, type, zero, name) {
  const path = points.map(([px, py], index) => `${index ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
  const area = `${path}L${points.at(-1)[0]} ${zero}L${points[0][0]} ${zero}Z`;
  return [
    type === "area" && svg("path", { d: area, fill: color(number), opacity: 0.22 }),
    svg("path", { d: path, fill: "none", stroke: color(number), "stroke-width": 2.2, "stroke-linejoin": "round" }),
    ...points.map(([px, py, value, label]) =>
      svg("circle", { cx: px, cy: py, r: 3.4, fill: color(number) }, svg("title", {}, `${name}, ${label}: ${exact.format(value)}`))),
  ].filter(Boolean);
}

function bars(points, number, count, slot, zero, name) {
  const width = Math.min(34, (slot * 0.76) / count);
  return points.map(([px, py, value, label]) => svg("rect", {
    x: px - (width * count) / 2 + width * number, width: Math.max(1, width - 1.5), rx: Math.min(2, width / 3), fill: color(number),
    y: Math.min(py, zero), height: Math.max(1, Math.abs(zero - py)),
  }, svg("title", {}, `${name}, ${label}: ${exact.format(value)}`)));
}

function pie({ segments }) {
  const total = segments.reduce((sum, each) => sum + each.value, 0) || 1;
  const root = svg("svg", { viewBox: "0 0 200 200", class: "pie", "aria-hidden": "true" });
  let from = -Math.PI / 2;
  segments.forEach((each, index) => {
    const to = from + (each.value / total) * Math.PI * 2;
    const at = (angle) => `${(100 + 96 * Math.cos(angle)).toFixed(2)} ${(100 + 96 * Math.sin(angle)).toFixed(2)}`;
    const title = svg("title", {}, `${each.label}: ${exact.format(each.value)} (${Math.round((100 * each.value) / total)} %)`);
    root.append(segments.length === 1
      ? svg("circle", { cx: 100, cy: 100, r: 96, fill: color(index) }, title)
      : svg("path", { d: `M100 100L${at(from)}A96 96 0 ${to - from > Math.PI ? 1 : 0} 1 ${at(to)}Z`, fill: color(index), class: "slice" }, title));
    from = to;
  });
  return h("div", { class: "pie-row" }, root, h("div", { class: "legend" }, segments.map((each, index) =>
    h("span", {}, swatch(index), each.label, h("b", {}, exact.format(each.value)), ` · ${Math.round((100 * each.value) / total)} %`))));
}

/** Round steps that cover a range: 1, 2, 2.5 or 5 times a power of ten, about four of them. */
function scale(low, high) {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough * 0.999);
  const ticks = [];
  for (let tick = Math.floor(low / step) * step; tick < high + step * 0.999; tick += step) ticks.push(Number(tick.toFixed(10)));
  return ticks.length > 1 ? ticks : [low, low + 1];
}
