/** Whether what one parameter changed can be read off two runs: on the same data, by one measure, of like length. */

import { measureInWords } from "./measure.js";

const LIKE = 1.5; // lengths up to this ratio: early stopping ends trainings of one plan so far apart

/** Why not; `null` if so. A parameter that is the length itself, or the number of train examples, may differ in that. */
export function whyNotComparable(from, to, parameter) {
  if (from.measure !== to.measure) return `another measure (${measureInWords(to.measure)})`;
  if (from.data.dev !== to.data.dev) return otherData("dev", from, to);
  if (from.data.train !== to.data.train && !is(parameter, from, to, (run) => run.data.nTrain)) return otherData("train", from, to);
  if (isLikeLong(from, to) || is(parameter, from, to, (run) => run.length)) return null;
  if (from.length === null || to.length === null) return "the number of epochs is known of one alone";
  return `another length (${from.length} and ${to.length} epochs)`;
}

function otherData(set, from, to) {
  const isKnown = from.data[set] !== null && to.data[set] !== null;
  return isKnown ? `another ${set} set` : `the ${set} set is known of one alone`;
}

function isLikeLong({ length: one }, { length: other }) {
  if (one === null || other === null) return one === other;
  return Math.max(one, other) <= LIKE * Math.min(one, other);
}

/** True if the parameter's values are these numbers of the runs. */
function is(parameter, from, to, numberOf) {
  return [from, to].every((run) => numberOf(run) !== null && Number(run.settings.get(parameter)) === numberOf(run));
}
