/** The regions of the diagnoses, as tints below the points. */

import { plotBox } from "./scale.js";
import { kindOf } from "./diagnosis.js";
import { columnAt } from "./regions.js";

const STEP = 12; // pixels, over which a line in points is straight on axes that are not

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
