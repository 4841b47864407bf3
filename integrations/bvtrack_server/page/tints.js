/** The regions of the diagnoses, as tints below the points and names above them. */

import { plotBox } from "./scale.js";
import { inWords, kindOf } from "./diagnosis.js";
import { columnAt } from "./regions.js";

const STEP = 12; // pixels, over which a line in points is straight on axes that are not
const LABEL_HEIGHT = 20;
const LETTER_WIDTH = 7.8;
const INSET = 10;
const AT_THE_TOP = new Set(["high_variance", "high_bias+high_variance", "balanced"]);
const AT_THE_RIGHT = new Set(["high_bias", "high_bias+easier_dev", "balanced", "undetermined"]);

export function prepareRegions(svg) {
  svg.append("clipPath").attr("id", "plot-area").append("rect");
  svg.append("g").attr("class", "regions").attr("clip-path", "url(#plot-area)");
}

/** The shapes of the regions on these scales: a tag, and for each bias its range of variances, in pixels. */
export function shapesOf(columns, { x, y }, size) {
  const shapes = new Map();
  for (const column of finely(columns, x, plotBox(size))) {
    const times = new Map();
    column.tags.forEach((tag, place) => {
      const time = times.get(tag) ?? 0;
      times.set(tag, time + 1);
      const name = `${tag} ${time}`; // one that a column has twice has two shapes
      if (!shapes.has(name)) shapes.set(name, { name, tag, strips: [] });
      shapes.get(name).strips.push({ number: column.number, x: x(column.bias), low: y(column.edges[place]), high: y(column.edges[place + 1]) });
    });
  }
  return [...shapes.values()];
}

/** The columns in view, and more of them between. */
function finely(columns, x, { left, right }) {
  const ends = [left, right].map((pixel) => x.invert(pixel));
  const inside = columns.filter(({ bias }) => bias > ends[0] && bias < ends[1]).map(({ bias }) => bias);
  const between = d3.range(left, right, STEP).map((pixel) => x.invert(pixel));
  const [least, most] = [columns[0].bias, columns.at(-1).bias];
  const biases = d3.sort(new Set([...ends, ...inside, ...between])).filter((bias) => bias >= least && bias <= most);
  return biases.map((bias, number) => ({ ...columnAt(columns, bias), number }));
}

export function drawRegions(svg, shapes, size) {
  const { left, right, top, bottom } = plotBox(size);
  svg.select("#plot-area rect").attr("x", left).attr("y", top).attr("width", right - left).attr("height", bottom - top);
  const area = d3.area().x((strip) => strip.x).y0((strip) => strip.low).y1((strip) => strip.high);
  svg.select(".regions").selectAll("path").data(shapes, (shape) => shape.name).join("path")
    .attr("class", (shape) => `region ${kindOf(shape.tag)}`)
    .attr("d", ({ strips }) => inOnePiece(strips).map(area).join(""));
}

/** The strips that follow each other, of a region in several pieces. */
function inOnePiece(strips) {
  const pieces = [];
  for (const strip of strips) {
    if (pieces.length && pieces.at(-1).at(-1).number === strip.number - 1) pieces.at(-1).push(strip);
    else pieces.push([strip]);
  }
  return pieces;
}

/** The regions' names, drawn above the points. */
export function drawLabels(svg, shapes, size) {
  const labels = shapes.map((shape) => labelOf(shape, plotBox(size))).filter(Boolean);
  svg.select(".labels").selectAll("text").data(labels, (label) => label.name).join("text")
    .attr("class", (label) => label.kind).attr("text-anchor", (label) => label.anchor).text((label) => label.text)
    .attr("transform", ({ x, y, slope }) => `translate(${x},${y}) rotate(${(Math.atan(slope) * 180) / Math.PI})`);
}

/** A region's name in the corner that points seldom reach, along a narrow one if it is not level; `null` if there is no room. */
function labelOf({ name, tag, strips }, box) {
  const text = inWords(tag);
  const isRight = AT_THE_RIGHT.has(tag);
  const from = isRight ? [...strips].reverse() : strips;
  const aside = isRight ? -INSET : INSET;
  for (const isLevel of [true, false]) {
    for (let first = 0; first < from.length; first += 1) {
      const room = roomFor(from.slice(first), { width: text.length * LETTER_WIDTH + INSET, isLevel, box });
      if (!room) continue;
      const y = AT_THE_TOP.has(tag) ? room.top + LABEL_HEIGHT : room.bottom - INSET;
      const { slope } = room;
      return { name, text, kind: kindOf(tag), anchor: isRight ? "end" : "start", x: from[first].x + aside, y: y + slope * aside, slope };
    }
  }
  return null;
}

/** The height at the first strip that those up to this width have in common, if a name has room in it; `slope` is its direction. */
function roomFor(strips, { width, isLevel, box }) {
  const end = strips.findIndex(({ x }) => Math.abs(x - strips[0].x) >= width);
  if (end === -1 || Math.abs(strips[end].number - strips[0].number) !== end) return null; // too narrow, or not in one piece
  const under = strips.slice(0, end + 1).map(({ x, low, high }) => ({ x, low: Math.min(low, box.bottom), high: Math.max(high, box.top) }));
  const [start, stop] = [under[0], under[end]];
  const slope = isLevel ? 0 : (stop.low + stop.high - start.low - start.high) / (2 * (stop.x - start.x));
  const top = d3.max(under, ({ x, high }) => high - slope * (x - start.x));
  const bottom = d3.min(under, ({ x, low }) => low - slope * (x - start.x));
  return bottom - top >= (LABEL_HEIGHT + INSET) * Math.hypot(1, slope) ? { top, bottom, slope } : null;
}
