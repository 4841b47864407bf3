/** The data and the number of epochs of a run, from its logged datasets, its metrics and its tags. */

import { asLine, asList, asText, byKey } from "./foreign.js";
import { SET_WORDS } from "./words.js";

const CONTEXT = "mlflow.data.context";
const EXAMPLES = "bvtrack.n";
const OF_EPOCHS = ["bvtrack/dev_error", "bvtrack/train_error"];

/** The digests of the train and the dev set, `null` where none was logged, and the number of train examples, if known. */
export function dataOf(inputs) {
  const found = new Map();
  for (const input of asList(inputs?.dataset_inputs)) {
    const tags = byKey(input?.tags);
    const digest = asText(input?.dataset?.digest);
    const set = setOf(tags.get(CONTEXT) ?? "", asLine(input?.dataset?.name));
    if (digest && set && !found.has(set)) found.set(set, { digest, n: wholeFrom(tags.get(EXAMPLES)) });
  }
  const [train, dev] = ["train", "dev"].map((set) => found.get(set));
  return { train: train?.digest ?? null, dev: dev?.digest ?? null, nTrain: train?.n ?? null };
}

/** A dataset's set by its context and name; other evaluation data are a dev set. */
function setOf(context, name) {
  const words = `${context} ${name}`.toLowerCase().replace(/train[_-]dev/g, "traindev").split(/[^a-z0-9]+/);
  const named = words.find((word) => SET_WORDS.has(word) && word !== "eval");
  return named ? SET_WORDS.get(named) : context === "eval" ? "dev" : null;
}

/** How many epochs a run had: those logged, else those that its verdict knows of, else up to the one that the tags speak of. */
export function lengthOf({ steps, said, epoch }) {
  const logged = OF_EPOCHS.map((name) => steps.get(name)).find((step) => step !== undefined);
  const known = Array.isArray(said.optimism) ? said.optimism[1] : null;
  const best = wholeFrom(epoch);
  for (const length of [logged === undefined ? null : logged + 1, known, best === null ? null : best + 1]) {
    if (Number.isSafeInteger(length) && length > 0) return length;
  }
  return null;
}

/** The last step and the last value by metric. */
export function latestOf(metrics) {
  const named = asList(metrics).filter((metric) => typeof metric?.key === "string");
  const steps = named.map(({ key, step }) => [key, typeof step === "string" ? wholeFrom(step) : step]);
  return {
    steps: new Map(steps.filter(([, step]) => Number.isSafeInteger(step) && step >= 0)),
    values: new Map(named.map(({ key, value }) => [key, value])),
  };
}

function wholeFrom(text) {
  return typeof text === "string" && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
