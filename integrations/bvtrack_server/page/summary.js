/** The sentences above and below the map and the table: how many runs are shown, and how many are not, and why. */

import { baselineInWords, isElsewhere } from "./grounds.js";
import { measureInWords, measuresOf } from "./measure.js";
import { count } from "./number.js";
import { isPlaced, PENDING } from "./run.js";

export function runsInWords(number) {
  return `${count(number)} ${number === 1 ? "run" : "runs"}`;
}

/** "50 runs and 3 configurations of 15 repeats" */
function wholeInWords(listed) {
  const configurations = listed.filter((run) => run.repeats !== null);
  if (configurations.length === 0) return runsInWords(listed.length);
  const n = configurations.length;
  const repeats = `${count(n)} ${n === 1 ? "configuration" : "configurations"} of ${count(d3.sum(configurations, (run) => run.repeats.n))} repeats`;
  return n === listed.length ? repeats : `${runsInWords(listed.length - n)} and ${repeats}`;
}

/**
 * "3 of 12 selected runs, 1 without a place on the map"; `selectedOf` is `null` if there is no selection, `unfolded` the
 * configuration whose repeats the others are, or `null`.
 */
export function summaryOf(listed, { selectedOf, unfolded, measure, unread }) {
  const all = selectedOf === null ? wholeInWords(listed) : `${count(listed.length)} of ${count(selectedOf)} selected runs`;
  const whole = unfolded ? `1 configuration and ${count(listed.length - 1)} of its repeats` : all;
  const parts = [
    [listed.filter((run) => run.diagnosis === PENDING).length, (n) => `${count(n)} without a verdict yet`],
    [listed.filter((run) => run.diagnosis !== PENDING && !isPlaced(run)).length, (n) => `${count(n)} without a place on the map`],
    [listed.filter((run) => isPlaced(run) && run.measure !== measure).length, (n) => `${count(n)} by another measure`],
    [unread, (n) => `${runsInWords(n)} could not be read`],
  ];
  return [whole, ...parts.filter(([n]) => n > 0).map(([n, inWords]) => inWords(n))].join(", ");
}

/** "Not on this map: 2 runs by 1 - val_r2." or nothing. */
export function othersInWords(placed, measure) {
  const others = measuresOf(placed).filter(([other]) => other !== measure);
  if (others.length === 0) return "";
  const named = others.slice(0, 3).map(([other, number]) => `${runsInWords(number)} by ${measureInWords(other)}`);
  const more = others.length > 3 ? `, and ${runsInWords(d3.sum(others.slice(3), ([, number]) => number))} by others` : "";
  return `Not on this map: ${named.join(", ")}${more}.`;
}

export function captionOf(drawn, { baseline, columns }) {
  const others = drawn.filter((run) => isElsewhere(run, columns)).length;
  const rest = others ? ` ${runsInWords(others)} ${others === 1 ? "is" : "are"} judged by more than this map shows: pointed at, they say by what.` : "";
  return (
    "Larger symbols: larger dev sets. Solid: the diagnosis is certain. " +
    `Regions: what train and dev error alone give, against ${baselineInWords(baseline)}.${rest}`
  );
}
