/** The layer above the points: the run under the pointer with its intervals, arrows, running runs, the selection's frame. */

import { barsOf } from "./bars.js";
import { plotBox } from "./scale.js";

const RING = 4;
const MOST_RINGS = 50;
export const RUNNING_RADIUS = 12;

export class Overlay {
  constructor(svg) {
    this.svg = svg;
    this.changes = [];
    svg.append("clipPath").attr("id", "overlay-area").append("rect");
    const marker = svg.append("defs").append("marker").attr("id", "tip").attr("viewBox", "0 0 8 8").attr("orient", "auto");
    marker.attr("refX", 7).attr("refY", 4).attr("markerWidth", 6).attr("markerHeight", 6).append("path").attr("d", "M0,0L8,4L0,8z");
    for (const name of ["running", "labels", "arrows", "marked"]) svg.append("g").attr("class", name).attr("clip-path", "url(#overlay-area)");
    svg.append("rect").attr("class", "frame").attr("hidden", "");
  }

  place(scales, size, running) {
    this.scales = scales;
    const { left, right, top, bottom } = plotBox(size);
    this.svg.select("#overlay-area rect").attr("x", left).attr("y", top).attr("width", right - left).attr("height", bottom - top);
    this.svg.select(".running").selectAll("circle").data(running.slice(0, MOST_RINGS), (point) => point.run.id).join("circle")
      .attr("r", RUNNING_RADIUS).attr("cx", (point) => point.x).attr("cy", (point) => point.y);
    this.drawArrows();
  }

  /** Ring this point and draw its intervals, and lines to these dots of its repeats; `null` takes the mark away. */
  mark(point, radius, dots) {
    const bars = point ? barsOf(point, this.scales) : [];
    const marked = this.svg.select(".marked");
    marked.selectAll("path").data(bars).join("path").attr("d", (bar) => bar);
    marked.selectAll("line").data(dots).join("line")
      .attr("x1", () => point.x).attr("y1", () => point.y).attr("x2", ({ x }) => x).attr("y2", ({ y }) => y);
    marked.selectAll("circle").data(point ? [point] : []).join("circle")
      .attr("r", radius + RING).attr("cx", ({ x }) => x).attr("cy", ({ y }) => y);
  }

  show(changes) {
    this.changes = changes;
    this.drawArrows();
  }

  drawArrows() {
    if (!this.scales) return;
    const { x, y } = this.scales;
    const place = (run) => [x(run.bias.value), y(run.variance.value)];
    this.svg.select(".arrows").selectAll("path").data(this.changes).join("path")
      .attr("marker-end", "url(#tip)").attr("d", ({ from, to }) => arrow(place(from), place(to)));
  }

  frame(corners) {
    const frame = this.svg.select(".frame").attr("hidden", corners ? null : "");
    if (!corners) return;
    const [[left, top], [right, bottom]] = corners;
    frame.attr("x", left).attr("y", top).attr("width", right - left).attr("height", bottom - top);
  }
}

/** A slightly curved line, so that arrows in opposite directions do not overlap. */
function arrow([fromX, fromY], [toX, toY]) {
  const [middleX, middleY] = [(fromX + toX) / 2 + (fromY - toY) * 0.12, (fromY + toY) / 2 + (toX - fromX) * 0.12];
  return `M${fromX},${fromY}Q${middleX},${middleY} ${toX},${toY}`;
}
