/** Grid lines and tick labels of both axes. */

import { plotBox, ticksOf } from "./scale.js";
import { points } from "./number.js";

/** Empty groups, which are filled at each change of the view. */
export function prepareAxes(svg) {
  svg.append("g").attr("class", "axis across");
  svg.append("g").attr("class", "axis up");
  svg.append("text").attr("class", "name name-across");
  svg.append("text").attr("class", "name name-up");
}

/** `unit` is what a point is, in words. */
export function drawAxes(svg, { x, y }, size, unit) {
  const box = plotBox(size);
  const across = svg.select(".across").selectAll("g").data(ticksOf(x)).join(newTick);
  across.attr("transform", (tick) => `translate(${x(tick)},${box.bottom})`).classed("zero", (tick) => tick === 0);
  across.select("line").attr("y2", box.top - box.bottom);
  across.select("text").attr("y", 18).attr("text-anchor", "middle").text(tickText);
  const up = svg.select(".up").selectAll("g").data(ticksOf(y)).join(newTick);
  up.attr("transform", (tick) => `translate(${box.left},${y(tick)})`).classed("zero", (tick) => tick === 0);
  up.select("line").attr("x2", box.right - box.left);
  up.select("text").attr("x", -8).attr("dy", "0.32em").attr("text-anchor", "end").text(tickText);
  svg.select(".name-across").attr("x", box.right).attr("y", size.height - 8).attr("text-anchor", "end").text(`Avoidable bias, ${unit} →`);
  svg.select(".name-up").attr("transform", `translate(14,${box.top}) rotate(-90)`).attr("text-anchor", "end").text(`Variance, ${unit} →`);
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
