/** The first step of a run's advice in words. */

import { asLine, begun } from "./foreign.js";
import { STEP_TITLES, STEP_TITLES_OF_ESTIMATORS, STEP_TITLES_OF_TREES } from "./words.js";

/** By its id; the first step of earlier versions' recipe where it says more than the id's title. */
export function stepInWords({ id, recipe, diagnosis, hasDev, isErrorRate, model }) {
  const said = asLine(recipe.split(" > ")[0]);
  if (said) return said;
  if (id === "stop_here" && diagnosis === "undetermined") return isErrorRate ? "State the human error" : "State what can be reached";
  if (id === "bigger_dev_set" && !hasDev) return "Hold out a dev set";
  return titlesFor(model).get(id) ?? STEP_TITLES.get(id) ?? begun(id.replaceAll("_", " "));
}

/** What differs for boosted trees and for scikit-learn's estimators from the titles for networks. */
function titlesFor({ kind, family }) {
  if (kind === "trees") return STEP_TITLES_OF_TREES;
  return typeof family === "string" ? STEP_TITLES_OF_ESTIMATORS : new Map();
}
