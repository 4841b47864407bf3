/** Both axes: linear up to one point of error and logarithmic beyond, so that 0.5 and 40 points are both readable. */

export const MARGIN = { top: 12, right: 16, bottom: 44, left: 56 };
const ROUND = [0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];
const TICKS = [...ROUND.slice(1).map((value) => -value).reverse(), ...ROUND];
const LEAST = -0.3;
const SMALLEST_VIEW = 5;
const PIXELS_PER_TICK = 36;
const AIR = 0.06;

/** Scales that include all runs, zero, and the regions' boundaries; `size` is the plot's `{ width, height }`. */
export function fittedScales(runs, size) {
  const x = d3.scaleSymlog().domain(domainOf(runs.map((run) => run.bias.value)));
  const y = d3.scaleSymlog().domain(domainOf(runs.map((run) => run.variance.value)));
  return resized({ x, y }, size);
}

export function resized({ x, y }, { width, height }) {
  return {
    x: x.copy().range([MARGIN.left, width - MARGIN.right]),
    y: y.copy().range([height - MARGIN.bottom, MARGIN.top]),
  };
}

/** The area of the plot inside the axes. */
export function plotBox({ width, height }) {
  return { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
}

function domainOf(values) {
  const straight = d3.scaleSymlog();
  const low = straight(Math.min(LEAST, d3.min(values) ?? 0));
  const high = straight(Math.max(SMALLEST_VIEW, d3.max(values) ?? 0));
  const air = (high - low) * AIR;
  return [low - air, high + air].map((end) => straight.invert(end));
}

/** Round tick values with room between them; d3's own in a narrow view. */
export function ticksOf(scale) {
  const [low, high] = d3.extent(scale.domain());
  const round = TICKS.filter((value) => value >= low && value <= high);
  const ticks = round.length > 2 ? round : d3.ticks(low, high, 6);
  return spread(ticks, scale);
}

function spread(ticks, scale) {
  const byWeight = [...ticks].sort((a, b) => weight(a) - weight(b));
  const kept = [];
  for (const tick of byWeight) {
    if (kept.every((other) => Math.abs(scale(other) - scale(tick)) >= PIXELS_PER_TICK)) kept.push(tick);
  }
  return kept.sort(d3.ascending);
}

/** Zero first, then powers of ten, then the rest, from the outside in. */
function weight(tick) {
  if (tick === 0) return 0;
  return (Number.isInteger(Math.log10(Math.abs(tick))) ? 1 : 10) + 1 / (1 + Math.abs(tick));
}
