/** The map: regions and axes below, points on a canvas, the overlay that follows the pointer above. */

import { drawAxes, prepareAxes } from "./axes.js";
import { barsOf } from "./bars.js";
import { inWords } from "./diagnosis.js";
import { drawLabels } from "./labels.js";
import { Taken } from "./taken.js";
import { drawRegions, prepareRegions, shapesOf } from "./tints.js";
import { Points, radiusOf, scaleFor } from "./points.js";
import { fittedScales, plotBox, resized } from "./scale.js";
import { areSame, ASSUMED } from "./baseline.js";
import { each } from "./foreign.js";
import { columnAt, regionsFor, tagIn } from "./regions.js";
import { pointsInWords } from "./measure.js";
import { Overlay, RUNNING_RADIUS } from "./overlay.js";

const REACH = 14;
const TOUCH_REACH = 26; // half of what fingers need, 48 pixels (WCAG 2.5.5 asks for 44)
const FURTHEST_ZOOM = 60;

export class RunMap {
  /** `stored` is the content of `regions.json`; `leaveOut(run)` is called for each run that cannot be drawn. */
  constructor(plot, stored, leaveOut) {
    this.plot = plot;
    this.stored = stored;
    this.leaveOut = leaveOut;
    this.all = [];
    this.runs = [];
    this.folded = [];
    this.chosen = null;
    this.hovered = null;
    this.below = d3.select(plot).select("#below");
    this.points = new Points(plot.querySelector("canvas"));
    this.overlay = new Overlay(d3.select(plot).select("#above"));
    prepareRegions(this.below);
    prepareAxes(this.below);
    this.zoom = d3.zoom().scaleExtent([1, FURTHEST_ZOOM]).on("zoom", () => this.draw());
    this.zoom.filter((event) => event.type === "wheel" || event.shiftKey || event.touches?.length === 2);
    d3.select(plot).call(this.zoom).on("dblclick.zoom", null);
    new ResizeObserver(() => this.resize()).observe(plot);
    this.followResolution();
  }

  /** Draw anew where the window is moved to a screen of another resolution, or the page is zoomed. */
  followResolution() {
    const followed = matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
    followed.addEventListener("change", () => [this.resize(), this.followResolution()], { once: true });
  }

  /** Fit the axes to these placed runs, some of which may be shown; a zoomed view stays. */
  makeRoomFor(all) {
    this.all = all;
    if (d3.zoomTransform(this.plot).k === 1) this.fit();
  }

  fit() {
    this.size = plotSizeOf(this.plot);
    this.scales = fittedScales(this.all, this.size);
    d3.select(this.plot).call(this.zoom.transform, d3.zoomIdentity);
  }

  /** Show these placed runs, those with large symbols below the others, and as dots the repeats `folded` into some of them;
   * those not `chosen` are pale, `null` chooses all. */
  show(runs, { folded, chosen }) {
    this.runs = d3.sort(runs, (run) => -run.nDev);
    this.folded = folded;
    this.chosen = chosen;
    this.draw();
  }

  zoomBy(factor) {
    d3.select(this.plot).call(this.zoom.scaleBy, factor);
  }

  resize() {
    this.size = plotSizeOf(this.plot);
    if (this.size.width === 0) return;
    this.points.resize(this.size);
    if (this.scales) this.scales = resized(this.scales, this.size);
    this.zoom.extent([[0, 0], [this.size.width, this.size.height]]);
    this.draw();
  }

  draw() {
    if (!this.scales || !this.points.ratio) return;
    const { x, y } = this.seen();
    const placeOf = (run) => ({ run, x: x(run.bias.value), y: y(run.variance.value) });
    this.placed = each(this.runs, placeOf, this.leaveOut);
    this.dots = each(this.folded, placeOf, this.leaveOut);
    this.tree = d3.quadtree(this.placed, (point) => point.x, (point) => point.y);
    const shapes = shapesOf(this.regions().columns, { x, y }, this.size);
    drawRegions(this.below, shapes, this.size);
    drawAxes(this.below, { x, y }, this.size, pointsInWords(this.all[0]));
    this.labelled = drawLabels(this.overlay.svg, shapes, this.size, this.taken());
    for (const point of this.placed) if (point.run.repeats !== null) point.bars = barsOf(point, { x, y });
    const looks = { dots: this.dots, box: plotBox(this.size), isChosen: (run) => this.chosen === null || this.chosen.has(run.id) };
    this.points.draw(this.placed, looks, ({ run }) => this.leaveOut(run));
    this.overlay.place({ x, y }, this.size, this.placed.filter((point) => point.run.isRunning));
    this.hover(this.hovered);
  }

  /** Where symbols are; dots may lie below a name. */
  taken() {
    const taken = new Taken(this.size);
    const scale = scaleFor(this.placed.length);
    for (const { run, x, y } of this.placed) taken.take([x, y], run.isRunning ? RUNNING_RADIUS : 1.3 * radiusOf(run.nDev, scale));
    return taken;
  }

  /** The name of the region at this position, in pixels, if it is not written there; else `null`. */
  unwrittenAt(x, y) {
    if (!this.scales || !this.labelled) return null;
    const seen = this.seen();
    const tag = tagIn(columnAt(this.regions().columns, seen.x.invert(x)), seen.y.invert(y));
    return tag === null || this.labelled.has(tag) ? null : inWords(tag);
  }

  /** The scales at the current zoom. */
  seen() {
    const transform = d3.zoomTransform(this.plot);
    return { x: transform.rescaleX(this.scales.x), y: transform.rescaleY(this.scales.y) };
  }

  /** The most frequent known baseline of the chosen runs, for which the regions are drawn. */
  baseline() {
    const chosen = this.runs.filter((run) => run.baseline !== null && (this.chosen === null || this.chosen.has(run.id)));
    const counts = d3.rollup(chosen, (runs) => runs.length, (run) => run.baseline);
    return d3.greatest(counts, ([, number]) => number)?.[0] ?? ASSUMED;
  }

  /** The regions that are drawn: `{ baseline, columns }`. */
  regions() {
    const baseline = this.baseline();
    if (!areSame(this.found?.baseline, baseline)) this.found = { baseline, columns: regionsFor(this.stored, baseline) };
    return this.found;
  }

  hover(run) {
    this.hovered = run;
    const point = run && this.placed?.find((placed) => placed.run.id === run.id);
    const dots = point?.run.repeats ? this.dots.filter((dot) => dot.run.parent === run.id) : [];
    this.overlay.mark(point || null, point ? radiusOf(point.run.nDev, scaleFor(this.placed.length)) : 0, dots);
  }

  /** The run whose symbol is at this position in the plot, in pixels; the nearest of several. */
  runAt(x, y, isTouch = false) {
    return this.tree?.find(x, y, isTouch ? TOUCH_REACH : REACH)?.run ?? null;
  }

  runsIn([left, top], [right, bottom]) {
    return this.placed.filter(({ x, y }) => x >= left && x <= right && y >= top && y <= bottom).map(({ run }) => run);
  }

  placeOf(run) {
    return this.placed.find((point) => point.run.id === run.id);
  }

  recolour() {
    this.points.forgetColours();
    this.draw();
  }
}

function plotSizeOf(plot) {
  return { width: plot.clientWidth, height: plot.clientHeight };
}
