/** By what runs are measured: only errors of one measure share a map. */

import { asLine } from "./foreign.js";
import { SET_WORDS } from "./words.js";

const REMARK = / \((?:train|train_dev|dev|test|one of): [^)]*\)$/;
const OF_AN_EPOCH = new Set(["epoch", "step"]);
const ACCURACY = new Set(["acc", "accuracy"]);
const LONGEST_ON_AXIS = 24; // letters, so that the whole line fits on a phone
const UNNAMED = "errors without a named measure";

/** A value of `bvtrack.measure` without its remarks; Lightning's `val_acc` and Keras's `val_accuracy` are the same. */
export function measureOf(tag) {
  const bare = asLine(tag).replace(REMARK, "").replace(REMARK, "");
  const words = bare.startsWith("1 - ") ? bare.slice(4).toLowerCase().split(/[^a-z0-9]+/) : [];
  const core = words.filter((word) => word && !SET_WORDS.has(word) && !OF_AN_EPOCH.has(word));
  return ACCURACY.has(core.join("_")) ? "1 - accuracy" : bare;
}

/** The measures of these runs with their numbers of runs, the most frequent first. */
export function measuresOf(runs) {
  const counts = d3.rollup(runs, (some) => some.length, (run) => run.measure);
  return d3.sort(counts, ([, number]) => -number);
}

export function measureInWords(measure) {
  return measure || UNNAMED;
}

/** What one point on the map's axes is. */
export function pointsInWords(run) {
  if (!run || run.isErrorRate || !run.measure) return "points of error";
  return `points of ${run.measure.length > LONGEST_ON_AXIS ? `${run.measure.slice(0, LONGEST_ON_AXIS)}…` : run.measure}`;
}
