/** The first step of a run's advice in words. */

import { asLine, begun } from "./foreign.js";
import { STEP_TITLES } from "./words.js";

/** By its id; the first step of earlier versions' recipe where it says more than the id's title. */
export function stepInWords({ id, recipe, diagnosis, hasDev, isErrorRate }) {
  const said = asLine(recipe.split(" > ")[0]);
  if (said) return said;
  if (id === "stop_here" && diagnosis === "undetermined") return isErrorRate ? "State the human error" : "State what can be reached";
  if (id === "bigger_dev_set" && !hasDev) return "Hold out a dev set";
  return STEP_TITLES.get(id) ?? begun(id.replaceAll("_", " "));
}
