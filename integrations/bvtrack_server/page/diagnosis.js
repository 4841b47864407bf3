/** A run's diagnosis as a label, a shape and the name of a colour, so that colour is never the only sign. */

export const KINDS = {
  bias: { label: "High bias", symbol: d3.symbolSquare },
  variance: { label: "High variance", symbol: d3.symbolTriangle },
  both: { label: "Bias and variance", symbol: d3.symbolDiamond },
  later: { label: "Mismatch or dev overfit", symbol: d3.symbolWye },
  balanced: { label: "Balanced", symbol: d3.symbolCircle },
  easier: { label: "Easier dev set", symbol: { draw: trianglePointingDown } },
  unclear: { label: "Undetermined", symbol: d3.symbolCross },
  failed: { label: "Failed training", symbol: d3.symbolStar },
};

const STATES = new Map([
  ...[["balanced", "balanced"], ["beyond_human", "balanced"], ["easier_dev", "easier"]],
  ...[["diverged", "failed"], ["not_learning", "failed"]],
]);

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
  const words = tag.replaceAll("_", " ").replaceAll("+", " + ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function colourOf(kind, element = document.documentElement) {
  return getComputedStyle(element).getPropertyValue(`--${kind}`).trim();
}

/** The symbol as a small drawing for legends and tables. */
export function symbolOf(kind, size = 12) {
  const svg = d3.create("svg").attr("class", `symbol ${kind}`).attr("aria-hidden", "true");
  svg.attr("width", size).attr("height", size).attr("viewBox", "-8 -8 16 16");
  svg.append("path").attr("d", pathOf(kind, 5.5));
  return svg.node();
}

/** The outline of a symbol with the area of a circle of this radius. */
export function pathOf(kind, radius) {
  return d3.symbol(KINDS[kind].symbol, Math.PI * radius * radius)();
}

function trianglePointingDown(context, area) {
  const side = Math.sqrt((4 * area) / Math.sqrt(3));
  const third = side / (2 * Math.sqrt(3));
  context.moveTo(0, 2 * third);
  context.lineTo(side / 2, -third);
  context.lineTo(-side / 2, -third);
  context.closePath();
}
