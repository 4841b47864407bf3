/** Where each diagnosis begins, and the axes: what lies below the points. */

import { MARGIN, ticksOf } from "./scale.js";
import { inWords, kindOf } from "./diagnosis.js";
import { points } from "./number.js";

const LABEL_HEIGHT = 20;
const LETTER_WIDTH = 7.5;
const INSET = 10;
const AT_THE_TOP = new Set(["high_variance", "high_bias+high_variance"]);
const AT_THE_RIGHT = new Set(["high_bias", "high_bias+high_variance"]);

/** Those of the human error that is nearest to this one, in points. */
export function regionsFor(all, human) {
  return all[d3.minIndex(all, (entry) => Math.abs(entry.human * 100 - human))];
}

export function drawRegions(svg, { regions }, { x, y }, size) {
  const box = plotBox(size);
  svg.select("#plot-area rect").attr("x", box.left).attr("y", box.top).attr("width", box.right - box.left);
  svg.select("#plot-area rect").attr("height", box.bottom - box.top);
  const area = d3.area().x((column) => x(column[0] * 100)).y0((column) => y(column[1] * 100)).y1((column) => y(column[2] * 100));
  svg.select(".regions").selectAll("path").data(regions, (region) => region.tag).join("path")
    .attr("class", (region) => `region ${kindOf(region.tag)} ${region.tag}`)
    .attr("d", (region) => area(region.columns));
  const labels = regions.map((region) => labelOf(region, { x, y }, box)).filter(Boolean);
  svg.select(".labels").selectAll("text").data(labels, (label) => label.text).join("text")
    .attr("class", (label) => label.kind).attr("text-anchor", (label) => label.anchor)
    .attr("x", (label) => label.x).attr("y", (label) => label.y).text((label) => label.text);
}

export function drawAxes(svg, { x, y }, size) {
  const box = plotBox(size);
  const across = svg.select(".across").selectAll("g").data(ticksOf(x)).join(newTick);
  across.attr("transform", (tick) => `translate(${x(tick)},${box.bottom})`).classed("zero", (tick) => tick === 0);
  across.select("line").attr("y2", box.top - box.bottom);
  across.select("text").attr("y", 18).attr("text-anchor", "middle").text(tickText);
  const up = svg.select(".up").selectAll("g").data(ticksOf(y)).join(newTick);
  up.attr("transform", (tick) => `translate(${box.left},${y(tick)})`).classed("zero", (tick) => tick === 0);
  up.select("line").attr("x2", box.right - box.left);
  up.select("text").attr("x", -8).attr("dy", "0.32em").attr("text-anchor", "end").text(tickText);
  svg.select(".name-across").attr("x", box.right).attr("y", size.height - 8).attr("text-anchor", "end");
  svg.select(".name-up").attr("transform", `translate(14,${box.top}) rotate(-90)`).attr("text-anchor", "end");
}

/** The empty groups that the two functions above fill, in the order in which they lie upon each other. */
export function prepareBelow(svg) {
  svg.append("clipPath").attr("id", "plot-area").append("rect");
  svg.append("g").attr("class", "regions").attr("clip-path", "url(#plot-area)");
  svg.append("g").attr("class", "axis across");
  svg.append("g").attr("class", "axis up");
  svg.append("g").attr("class", "labels");
  svg.append("text").attr("class", "name name-across").text("Avoidable bias, points of error →");
  svg.append("text").attr("class", "name name-up").text("Variance, points of error →");
}

function plotBox({ width, height }) {
  return { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
}

function newTick(enter) {
  const group = enter.append("g");
  group.append("line");
  group.append("text");
  return group;
}

function tickText(tick) {
  return Number.isInteger(tick) ? points(tick).slice(0, -2) : points(tick) === "0.0" ? String(tick) : String(tick).replace("-", "\u2212");
}

/** A region's name in that corner of it that points seldom reach; `null` where it has no room. */
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
  if (right - left < text.length * LETTER_WIDTH + 2 * INSET || bottom - top < LABEL_HEIGHT + INSET) return null;
  return {
    text,
    kind: kindOf(tag),
    anchor: AT_THE_RIGHT.has(tag) ? "end" : "start",
    x: AT_THE_RIGHT.has(tag) ? right - INSET : left + INSET,
    y: AT_THE_TOP.has(tag) ? top + LABEL_HEIGHT : bottom - INSET,
  };
}
