/** Pairs of runs that differ in exactly one parameter, and what that did to bias and to variance. */

import { count, signed } from "./number.js";
import { isPlaced } from "./run.js";

const SEPARATOR = "\u0000";

/** Each `{ parameter, from, to, bias, variance }`; along one parameter's values only neighbours are paired, of equal runs the latest. */
export function changesBetween(runs) {
  const groups = new Map();
  for (const run of runs.filter(isPlaced)) {
    const settings = Object.entries(run.settings).sort(([a], [b]) => d3.ascending(a, b));
    for (const [parameter, value] of settings) {
      const others = settings.filter(([name]) => name !== parameter).flat();
      const group = [run.experiment, parameter, ...others].join(SEPARATOR);
      if (!groups.has(group)) groups.set(group, new Map());
      keepLatest(groups.get(group), value, run);
    }
  }
  return [...groups].flatMap(([group, byValue]) => neighbours(group.split(SEPARATOR)[1], byValue));
}

function keepLatest(byValue, value, run) {
  if (!(byValue.get(value)?.started > run.started)) byValue.set(value, run);
}

function neighbours(parameter, byValue) {
  const values = [...byValue.keys()].sort(byNumber);
  return d3.pairs(values.map((value) => byValue.get(value)), (from, to) => ({
    parameter,
    from,
    to,
    bias: to.bias.value - from.bias.value,
    variance: to.variance.value - from.variance.value,
  }));
}

function byNumber(a, b) {
  const difference = Number(a) - Number(b);
  return Number.isNaN(difference) ? d3.ascending(a, b) : difference;
}

/** What more of this parameter (of a word: the later one in the alphabet) did on average. */
export function meanInWords(parameter, changes) {
  const [bias, variance] = ["bias", "variance"].map((name) => signed(d3.mean(changes, (change) => change[name])));
  return `${parameter}, ${count(changes.length)} pairs, on average: bias ${bias}, variance ${variance} points.`;
}

export function changeInWords({ parameter, from, to }) {
  return `${parameter}: ${from.settings[parameter]} → ${to.settings[parameter]}`;
}
