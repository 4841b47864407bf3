/** A run's diagnosis as a label, a shape and the name of a colour, so that colour is never the only sign. */

import { begun } from "./foreign.js";

export const KINDS = {
  bias: { label: "High bias", symbol: d3.symbolSquare },
  variance: { label: "High variance", symbol: d3.symbolTriangle },
  both: { label: "Bias and variance", symbol: d3.symbolDiamond },
  later: { label: "Mismatch or dev overfit", symbol: d3.symbolWye },
  balanced: { label: "Balanced", symbol: d3.symbolCircle },
  easier: { label: "Easier dev set", symbol: { draw: trianglePointingDown } },
  unclear: { label: "Undetermined", symbol: d3.symbolCross },
  failed: { label: "Failed training", symbol: d3.symbolStar },
  pending: { label: "No verdict yet", symbol: { draw: threeDots } },
};

const STATES = new Map([
  ...[["balanced", "balanced"], ["beyond_human", "balanced"], ["easier_dev", "easier"]],
  ...[["diverged", "failed"], ["not_learning", "failed"], ["pending", "pending"]],
]);
const STRIKE = 1.25; // by this times the radius the line through a symbol reaches from its middle, to either side and up or down
const SMALLEST_STRUCK = 4;


/** The kind of the problems in a tag, whatever stands beside them; of no known one it is unclear. */
export function kindOf(tag) {
  const problems = tag.split("+");
  const [bias, variance] = ["high_bias", "high_variance"].map((name) => problems.includes(name));
  if (bias && variance) return "both";
  if (bias) return "bias";
  if (variance) return "variance";
  if (problems.includes("data_mismatch") || problems.includes("dev_overfit")) return "later";
  return STATES.get(tag) ?? "unclear";
}

/** `high_bias+data_mismatch` in words. */
export function inWords(tag) {
  return begun(tag.replaceAll("_", " ").replaceAll("+", " + "));
}

export function colourOf(kind, element = document.documentElement) {
  return getComputedStyle(element).getPropertyValue(`--${kind}`).trim();
}

/** The symbol as a small drawing for legends and tables, struck through if the split is at fault, outlined twice for repeats. */
export function symbolOf(kind, { size = 12, isStruck = false, isRepeated = false } = {}) {
  const svg = d3.create("svg").attr("class", `symbol ${kind}`).attr("aria-hidden", "true");
  svg.attr("width", size).attr("height", size).attr("viewBox", "-8 -8 16 16");
  svg.append("path").attr("d", pathOf(kind, isRepeated ? 3.5 : 5.5));
  if (isRepeated) svg.append("path").attr("class", "outline").attr("d", pathOf(kind, 6.3));
  if (isStruck) svg.append("path").attr("class", "strike").attr("d", strikeOf(5.5, 7));
  return svg.node();
}

/** The line through the symbol of a run whose split is at fault. */
export function strikeOf(radius, most = Infinity) {
  const end = Math.min(Math.max(radius, SMALLEST_STRUCK) * STRIKE, most);
  return `M${-end},${end}L${end},${-end}`;
}

/** The outline of a symbol with the area of a circle of this radius. */
export function pathOf(kind, radius) {
  return d3.symbol(KINDS[kind].symbol, Math.PI * radius * radius)();
}

function threeDots(context, area) {
  const radius = Math.sqrt(area / Math.PI);
  for (const x of [-0.8, 0, 0.8]) {
    context.moveTo(radius * (x + 0.28), 0);
    context.arc(radius * x, 0, radius * 0.28, 0, 2 * Math.PI);
  }
}

function trianglePointingDown(context, area) {
  const side = Math.sqrt((4 * area) / Math.sqrt(3));
  const third = side / (2 * Math.sqrt(3));
  context.moveTo(0, 2 * third);
  context.lineTo(side / 2, -third);
  context.lineTo(-side / 2, -third);
  context.closePath();
}
