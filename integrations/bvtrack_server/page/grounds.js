/** Why a run's diagnosis is not that of the region in which its symbol lies: what it rests on besides the two gaps. */

import { areSame } from "./baseline.js";
import { inWords } from "./diagnosis.js";
import { points } from "./number.js";
import { columnAt, tagIn } from "./regions.js";
import { isPlaced } from "./run.js";

const NEAR = 0.015; // of the axes' unit, which grows with the gap: three pixels, less than a symbol
const SMALLEST_DOUBTED = 1; // points, from which on the rule asks whether a gap may be chance
const SURE_BIAS = { assumed: 5 / 3, none: -Infinity }; // points, below which the interval of a bias must not reach …
const SURE_ABOVE_HUMAN = 0.5; // … where the human error is no assumption
const BY_NO_GAP = new Map([["diverged", "its curve"], ["not_learning", "its curve"], ["not_applicable", "its length: it is a trial run"]]);

/** True if the symbol of a run lies in a region of another diagnosis. */
export function isElsewhere(run, columns) {
  if (!isPlaced(run)) return false;
  const isOther = (column) => around(run.variance.value).every((variance) => tagIn(column, variance) !== run.diagnosis);
  return around(run.bias.value).every((bias) => isOther(columnAt(columns, bias)));
}

function around(value) {
  const near = NEAR * (1 + Math.abs(value));
  return [value, value - near, value + near];
}

/** "By its test error. By its place on the map it would be: balanced." */
export function groundsInWords(run, { baseline, columns }) {
  const there = tagIn(columnAt(columns, run.bias.value), run.variance.value);
  const by = BY_NO_GAP.has(run.diagnosis) ? [BY_NO_GAP.get(run.diagnosis)] : groundsFor(run, baseline);
  const last = run.grounds.version ? `the rule of bvtrack ${run.grounds.version}` : "another rule";
  const region = there === null ? "no diagnosis" : inWords(there).toLowerCase();
  return `By ${by.length ? by.join(", and by ") : last}. By its place on the map it would be: ${region}.`;
}

export function baselineInWords({ kind, human }) {
  if (kind === "none") return "no human error, as none is assumed of what is no error rate";
  const source = { assumed: "an assumed human error", reached: "the best other run's error" }[kind] ?? "a human error";
  return `${source} of ${points(human)} %`;
}

function groundsFor(run, baseline) {
  const { hasTrainDev, overfit, measure } = run.grounds;
  const found = [];
  const ofMeasure = `${measure || "its measure"}, of which no bias is assumed, as it is no error rate`;
  if (run.baseline !== null && !areSame(run.baseline, baseline)) found.push(run.baseline.kind === "none" ? ofMeasure : baselineInWords(run.baseline));
  if (hasTrainDev) found.push("its train-dev error");
  if (overfit?.value >= SMALLEST_DOUBTED || run.diagnosis.split("+").includes("dev_overfit")) found.push("its test error");
  const few = run.repeats === null ? "examples" : "examples, or repeats,";
  if (mayBeChance(run)) found.push(`its intervals: so few ${few} may show a gap by chance`);
  return found;
}

/** True if the interval of a gap holds what a run without a problem would have. */
function mayBeChance({ bias, variance, baseline, grounds: { mismatch, overfit } }) {
  const holds = (gap, least) => gap?.value >= SMALLEST_DOUBTED && gap.low !== null && gap.low <= least;
  const belowHuman = baseline?.kind === "reached" ? 0 : Math.max(-bias.value, 0);
  const isEasierByChance = variance.value < 0 && variance.high !== null && variance.high >= 0;
  const isDoubtful = holds(bias, SURE_BIAS[baseline?.kind] ?? SURE_ABOVE_HUMAN) || holds(variance, belowHuman);
  return isDoubtful || isEasierByChance || [mismatch, overfit].some((gap) => holds(gap, 0));
}
