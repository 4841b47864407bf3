/** The regions' names, above the points: each where it covers neither a symbol nor another name, or nowhere. */

import { inWords, kindOf } from "./diagnosis.js";
import { plotBox } from "./scale.js";

const LABEL_HEIGHT = 20;
const LETTER_WIDTH = 0.6; // of its height, in the widest of usual fonts
const FONT = { usual: 13, onPhones: 11 };
const NARROW = 480; // pixels of the whole plot
const INSET = 10;
const DOWN = 24; // pixels from one height that is tried to the next
const AT_THE_TOP = new Set(["high_variance", "high_bias+high_variance", "balanced"]);
const AT_THE_RIGHT = new Set(["high_bias", "high_bias+easier_dev", "balanced", "undetermined"]);

/** Draw the names for which `taken` has room, and take it; returns the tags of the regions that have one. */
export function drawLabels(svg, shapes, size, taken) {
  const box = plotBox(size);
  const font = size.width < NARROW ? FONT.onPhones : FONT.usual;
  const largestFirst = d3.sort(shapes, (shape) => -shape.strips.length);
  const labels = largestFirst.map((shape) => labelOf(shape, { box, font, taken })).filter(Boolean);
  svg.select(".labels").selectAll("text").data(labels, (label) => label.name).join("text")
    .attr("class", (label) => label.kind).attr("text-anchor", (label) => label.anchor).attr("font-size", font).text((label) => label.text)
    .attr("transform", ({ x, y, slope }) => `translate(${x},${y}) rotate(${(Math.atan(slope) * 180) / Math.PI})`);
  return new Set(labels.map(({ tag }) => tag));
}

/** A region's name, at first in the corner that points seldom reach, along a narrow one if it is not level; `null` if there is no room. */
function labelOf({ name, tag, strips }, { box, font, taken }) {
  const text = inWords(tag);
  const isRight = AT_THE_RIGHT.has(tag);
  const from = isRight ? [...strips].reverse() : strips;
  const width = text.length * LETTER_WIDTH * font;
  for (const isLevel of [true, false]) {
    for (let first = 0; first < from.length; first += 1) {
      const room = roomFor(from.slice(first), { width: width + INSET, isLevel, box });
      if (!room) continue;
      const { slope } = room;
      const aside = isRight ? -INSET : INSET;
      const x = from[first].x + aside;
      const heights = heightsIn(room, AT_THE_TOP.has(tag)).map((height) => height + slope * aside);
      const y = heights.find((height) => taken.takeLine(lineOf({ x, height, width, slope, isRight })));
      if (y !== undefined) return { name, tag, text, kind: kindOf(tag), anchor: isRight ? "end" : "start", x, y, slope };
    }
  }
  return null;
}

/** The heights of a base line in a room, from the end that is tried first. */
function heightsIn({ top, bottom }, isFromTop) {
  const heights = d3.range(top + LABEL_HEIGHT, bottom - INSET + 1, DOWN);
  return isFromTop ? heights : d3.range(bottom - INSET, top + LABEL_HEIGHT - 1, -DOWN);
}

/** The middles of the boxes, as high as a name, that together hold it. */
function lineOf({ x, height, width, slope, isRight }) {
  const left = isRight ? x - width : x;
  const n = Math.ceil(width / LABEL_HEIGHT);
  return d3.range(n + 1).map((place) => {
    const middle = left + (place * width) / n;
    return [middle, height + slope * (middle - x) - LABEL_HEIGHT / 4];
  });
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
