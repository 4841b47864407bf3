/** The regions of the diagnoses on the map. */

import { plotBox } from "./scale.js";
import { inWords, kindOf } from "./diagnosis.js";

const LABEL_HEIGHT = 20;
const LETTER_WIDTH = 7.8;
const INSET = 10;
const AT_THE_TOP = new Set(["high_variance", "high_bias+high_variance", "balanced"]);
const AT_THE_RIGHT = new Set(["high_bias", "balanced"]);

/** The regions for the human error nearest to this one, in points. */
export function regionsFor(all, human) {
  return all[d3.minIndex(all, (entry) => Math.abs(entry.human * 100 - human))];
}

export function prepareRegions(svg) {
  svg.append("clipPath").attr("id", "plot-area").append("rect");
  svg.append("g").attr("class", "regions").attr("clip-path", "url(#plot-area)");
}

export function drawRegions(svg, regions, { x, y }, size) {
  const { left, right, top, bottom } = plotBox(size);
  svg.select("#plot-area rect").attr("x", left).attr("y", top).attr("width", right - left).attr("height", bottom - top);
  const area = d3.area().x((column) => x(column[0] * 100)).y0((column) => y(column[1] * 100)).y1((column) => y(column[2] * 100));
  svg.select(".regions").selectAll("path").data(regions, (region) => region.tag).join("path")
    .attr("class", (region) => `region ${kindOf(region.tag)}`)
    .attr("d", (region) => area(region.columns));
}

/** The regions' names, drawn above the points. */
export function drawLabels(svg, regions, scales, size) {
  const labels = regions.map((region) => labelOf(region, scales, plotBox(size))).filter(Boolean);
  svg.select(".labels").selectAll("text").data(labels, (label) => label.text).join("text")
    .attr("class", (label) => label.kind).attr("text-anchor", (label) => label.anchor)
    .attr("x", (label) => label.x).attr("y", (label) => label.y).text((label) => label.text);
}

/** A region's name in the corner that points seldom reach; `null` if there is no room. */
function labelOf({ tag, columns }, { x, y }, box) {
  const seen = columns.filter(([bias]) => x(bias * 100) > box.left && x(bias * 100) < box.right);
  if (seen.length === 0) return null;
  const isLast = seen.at(-1) === columns.at(-1);
  const left = Math.max(box.left, seen[0] === columns[0] ? x(columns[0][0] * 100) : box.left);
  const right = Math.min(box.right, isLast ? x(columns.at(-1)[0] * 100) : box.right);
  const outer = seen[AT_THE_RIGHT.has(tag) ? seen.length - 1 : 0];
  const top = Math.max(box.top, y(outer[2] * 100));
  const bottom = Math.min(box.bottom, y(outer[1] * 100));
  const text = inWords(tag);
  if (right - left < text.length * LETTER_WIDTH + INSET || bottom - top < LABEL_HEIGHT + INSET) return null;
  return {
    text,
    kind: kindOf(tag),
    anchor: AT_THE_RIGHT.has(tag) ? "end" : "start",
    x: AT_THE_RIGHT.has(tag) ? right - INSET : left + INSET,
    y: AT_THE_TOP.has(tag) ? top + LABEL_HEIGHT : bottom - INSET,
  };
}
