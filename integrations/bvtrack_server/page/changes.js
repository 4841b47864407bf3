/** Pairs of runs that differ in exactly one parameter, and its effect on bias and variance. */

import { asLine } from "./foreign.js";
import { count, signed } from "./number.js";
import { isPlaced } from "./run.js";

/** Each `{ parameter, from, to, bias, variance }`; only neighbouring values of a parameter are paired, with the latest of equal runs. */
export function changesBetween(runs) {
  const alike = d3.group(runs.filter(isPlaced), (run) => JSON.stringify([run.experiment, ...[...run.settings.keys()].sort()]));
  return [...alike.values()].flatMap(changesAmong);
}

/** Changes between runs of one experiment that have the same parameters; parameters equal in all runs are left out. */
function changesAmong(runs) {
  const parameters = [...runs[0].settings.keys()].sort().filter((name) => new Set(runs.map((run) => run.settings.get(name))).size > 1);
  return parameters.flatMap((parameter) => {
    const others = parameters.filter((name) => name !== parameter);
    const groups = d3.group(runs, (run) => JSON.stringify(others.map((name) => run.settings.get(name))));
    return [...groups.values()].flatMap((group) => neighbours(parameter, group));
  });
}

function neighbours(parameter, runs) {
  const byValue = new Map();
  for (const run of runs) keepLatest(byValue, run.settings.get(parameter), run);
  const values = [...byValue.keys()].sort(byNumber);
  return d3.pairs(values.map((value) => byValue.get(value)), (from, to) => ({
    parameter,
    from,
    to,
    bias: to.bias.value - from.bias.value,
    variance: to.variance.value - from.variance.value,
  }));
}

function keepLatest(byValue, value, run) {
  if (!(byValue.get(value)?.started > run.started)) byValue.set(value, run);
}

function byNumber(a, b) {
  const difference = Number(a) - Number(b);
  return Number.isNaN(difference) ? d3.ascending(a, b) : difference;
}

/** The average effect of a larger value (of text: one later in the alphabet). */
export function meanInWords(parameter, changes) {
  const [bias, variance] = ["bias", "variance"].map((name) => signed(d3.mean(changes, (change) => change[name])));
  return `${asLine(parameter)}, ${count(changes.length)} pairs, on average: bias ${bias}, variance ${variance} points.`;
}

export function changeInWords({ parameter, from, to }) {
  return `${asLine(parameter)}: ${asLine(from.settings.get(parameter))} → ${asLine(to.settings.get(parameter))}`;
}
