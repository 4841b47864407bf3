/** Pairs of runs that differ in exactly one parameter, and its effect on bias and variance. */

import { whyNotComparable } from "./comparable.js";
import { asLine } from "./foreign.js";
import { count, signed } from "./number.js";
import { isPlaced } from "./run.js";

const FURTHEST = 50; // values from one to the next that are tried
const MOST_OF_ONE_VALUE = 20; // the latest runs of equal parameters that are tried for a pair

/**
 * Each `{ parameter, from, to, bias, variance, against }`; only neighbouring values of a parameter are paired, with the latest
 * of equal runs. `against` says why a pair tells nothing, else it is `null`; a value that no other goes with is in one such pair.
 */
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

/** From each value but the last, the next value with a comparable run; if there is none, the next value, with what is against it. */
function neighbours(parameter, runs) {
  const byValue = d3.group(runs, (run) => run.settings.get(parameter));
  const latest = [...byValue.keys()].sort(byNumber).map((value) => latestOnes(byValue.get(value)));
  return d3.range(latest.length - 1).map((place) => {
    for (const further of latest.slice(place + 1, place + 1 + FURTHEST)) {
      const pair = latestPair(parameter, latest[place], further);
      if (pair) return changeOf(parameter, ...pair, null);
    }
    const [from, to] = [latest[place][0], latest[place + 1][0]];
    return changeOf(parameter, from, to, whyNotComparable(from, to, parameter));
  });
}

function latestOnes(runs) {
  return d3.sort(runs, (run) => -(run.started ?? 0)).slice(0, MOST_OF_ONE_VALUE);
}

function latestPair(parameter, some, others) {
  for (const from of some) {
    const to = others.find((run) => whyNotComparable(from, run, parameter) === null);
    if (to) return [from, to];
  }
  return null;
}

function changeOf(parameter, from, to, against) {
  const [bias, variance] = [to.bias.value - from.bias.value, to.variance.value - from.variance.value];
  return { parameter, from, to, bias, variance, against };
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
