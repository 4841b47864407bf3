/** All runs on one canvas: ten thousand symbols are copied from a few small drawings, one for each kind and size. */

import { each } from "./foreign.js";
import { colourOf, kindOf, pathOf, strikeOf } from "./diagnosis.js";

const SMALLEST = 3.5;
const LARGEST = 11;
const OF_UNKNOWN_SIZE = 4.5;
const FEW = 300;
const SMALLEST_SCALE = 0.5;
const WITHIN = 0.55; // of a configuration's outline, the symbol in it
const DOT = 3; // a repeat that is folded into its configuration
const FAINT = { dots: 0.45, others: 0.14 };

/** The radius shows the size of the dev set: a step for each factor of ten, from ten examples on. */
export function radiusOf(nDev, scale = 1) {
  const radius = nDev ? SMALLEST + 1.4 * Math.log10(Math.max(nDev, 10) / 10) : OF_UNKNOWN_SIZE;
  return Math.round(4 * scale * Math.min(radius, LARGEST)) / 4;
}

/** The factor by which symbols shrink when there are many, so that they stay apart. */
export function scaleFor(n) {
  return Math.min(1, Math.max(SMALLEST_SCALE, (FEW / n) ** 0.25));
}

export class Points {
  constructor(canvas) {
    this.canvas = canvas;
    this.drawings = new Map();
    this.colours = new Map();
  }

  resize({ width, height }) {
    this.ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * this.ratio);
    this.canvas.height = Math.round(height * this.ratio);
    this.forgetColours();
  }

  forgetColours() {
    this.drawings.clear();
    this.colours.clear();
  }

  /** Draw `placed`, each `{ run, x, y }`, of a configuration with `bars`; those that are not `isChosen` are pale and below the
   * others, and `dots` below all. Bars end at the plot's `box`. */
  draw(placed, { dots, box, isChosen }, leaveOut) {
    const context = this.canvas.getContext("2d");
    const scale = scaleFor(placed.length);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const chosenWith = ({ run }) => isChosen({ id: run.parent });
    for (const chosen of [false, true]) {
      context.globalAlpha = chosen ? FAINT.dots : FAINT.others;
      each(dots.filter((dot) => chosenWith(dot) === chosen), (dot) => this.copyDot(context, dot, scale), leaveOut);
    }
    for (const chosen of [false, true]) {
      const some = placed.filter(({ run }) => isChosen(run) === chosen);
      context.globalAlpha = chosen ? 0.85 : FAINT.others;
      this.drawBars(context, some.filter(({ bars }) => bars), box);
      each(some, (point) => this.copy(context, point, scale), leaveOut);
    }
  }

  drawBars(context, points, { left, right, top, bottom }) {
    context.save();
    context.scale(this.ratio, this.ratio);
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
    context.lineWidth = 1.2;
    for (const { run, bars } of points) {
      context.strokeStyle = this.colour(kindOf(run.diagnosis));
      for (const bar of bars) context.stroke(new Path2D(bar));
    }
    context.restore();
  }

  colour(kind) {
    if (!this.colours.has(kind)) this.colours.set(kind, colourOf(kind));
    return this.colours.get(kind);
  }

  copyDot(context, { run, x, y }, scale) {
    this.paste(context, this.drawing(kindOf(run.diagnosis), DOT * Math.max(scale, 0.7), { isCertain: true }), [x, y]);
  }

  copy(context, { run, x, y }, scale) {
    const look = { isCertain: run.certainty === "certain", isStruck: run.split.faults.length > 0, isRepeated: run.repeats !== null };
    this.paste(context, this.drawing(kindOf(run.diagnosis), radiusOf(run.nDev, scale), look), [x, y]);
  }

  paste(context, drawing, [x, y]) {
    const half = drawing.width / 2;
    context.drawImage(drawing, Math.round(x * this.ratio - half), Math.round(y * this.ratio - half));
  }

  drawing(kind, radius, look) {
    const name = `${kind} ${radius} ${look.isCertain} ${look.isStruck} ${look.isRepeated}`;
    if (!this.drawings.has(name)) this.drawings.set(name, drawn(kind, radius, { ...look, ratio: this.ratio }));
    return this.drawings.get(name);
  }
}

/** Solid if the diagnosis is certain, else an outline; struck through if the split is at fault; outlined twice for
 * a configuration. */
function drawn(kind, radius, { isCertain, isStruck = false, isRepeated = false, ratio }) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.ceil((4 * radius + 4) * ratio);
  const context = canvas.getContext("2d");
  context.translate(canvas.width / 2, canvas.height / 2);
  context.scale(ratio, ratio);
  const shape = new Path2D(pathOf(kind, isRepeated ? WITHIN * radius : radius));
  context.lineWidth = Math.min(1.4, radius / 3);
  context.lineJoin = "round";
  if (isRepeated) drawAround(context, new Path2D(pathOf(kind, radius)), kind);
  context.fillStyle = colourOf(isCertain ? kind : "ground");
  context.strokeStyle = colourOf(isCertain ? "ground" : kind);
  context.fill(shape);
  context.stroke(shape);
  if (isStruck) strike(context, new Path2D(strikeOf(radius)));
  return canvas;
}

function drawAround(context, shape, kind) {
  context.fillStyle = colourOf("ground");
  context.strokeStyle = colourOf(kind);
  context.fill(shape);
  context.stroke(shape);
}

function strike(context, line) {
  for (const [colour, width] of [["ground", 4], ["text", 1.6]]) {
    context.strokeStyle = colourOf(colour);
    context.lineWidth = width;
    context.stroke(line);
  }
}
