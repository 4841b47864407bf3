/** Configurations: runs whose verdict is one over others, which are their repeats. These are folded into them. */

import { inWords } from "./diagnosis.js";
import { asList, asText, inRange, isObject } from "./foreign.js";
import { count, points } from "./number.js";

const OVER = ["seeds", "folds", "splits", "repeats"];
const MOST_TAGS = 5;

/** What the tags of a configuration say of its repeats, in points; `null` for a single run. */
export function repeatsOf(said, tags) {
  if (!tags.has("bvtrack.repeats")) return null;
  const part = isObject(said.repeats) ? said.repeats : {};
  const entries = isObject(part.tags) ? Object.entries(part.tags) : [];
  return {
    over: OVER.find((kind) => kind === part.over) ?? "repeats",
    n: Number.isSafeInteger(part.n) && part.n > 1 ? part.n : null,
    tags: entries.map(([tag, n]) => [asText(tag), n]).filter(([, n]) => Number.isSafeInteger(n) && n > 0).slice(0, MOST_TAGS),
    train: spreadOf(part, "train"),
    dev: spreadOf(part, "dev"),
    test: spreadOf(part, "test"),
  };
}

function spreadOf(part, set) {
  const share = (value) => (inRange(value, 0, 1) === null ? null : 100 * value);
  const [low, high] = asList(part.ci?.[set]).map(share);
  return { deviation: share(part.sd?.[set]), low: low ?? null, high: high ?? null };
}

/** Runs and configurations, each once, and the repeats of the latter, which stand in their configuration's place. */
export class Folded {
  constructor(all) {
    const configurations = new Map(all.filter((run) => run.repeats !== null).map((run) => [run.id, run]));
    const isRepeat = (run) => run.repeats === null && configurations.has(run.parent);
    this.repeats = d3.group(all.filter(isRepeat), (run) => run.parent);
    this.runs = all.filter((run) => !isRepeat(run)).map((run) => withCommon(run, this.repeats.get(run.id) ?? []));
    this.configurations = new Map(this.runs.filter((run) => run.repeats !== null).map((run) => [run.id, run]));
  }

  repeatsOf(run) {
    return this.repeats.get(run.id) ?? [];
  }

  /** What stands for this run: the configuration that it is a repeat of, else itself. */
  wholeOf(run) {
    return (run.repeats === null && this.configurations.get(run.parent)) || run;
  }
}

/** A configuration with the settings, and the data, that all its repeats have, by which it is compared with others. */
function withCommon(run, repeats) {
  const [first, ...others] = repeats;
  if (run.repeats === null || !first) return run;
  const settings = new Map([...first.settings].filter(([name, value]) => others.every((other) => other.settings.get(name) === value)));
  const common = (read) => (others.every((other) => read(other) === read(first)) ? read(first) : null);
  const data = { train: common((one) => one.data.train), dev: common((one) => one.data.dev), nTrain: common((one) => one.data.nTrain) };
  return { ...run, data, settings: run.settings.size > 0 ? run.settings : settings };
}

/** "5 seeds" */
export function repeatsInWords({ over, n }) {
  return n === null ? over : `${count(n)} ${over}`;
}

/** "4 high variance, 1 balanced" */
export function tagsInWords({ tags }) {
  return tags.map(([tag, n]) => `${count(n)} ${inWords(tag).toLowerCase()}`).join(", ");
}

/** "mean 11.2 % (10.8 to 11.6), single repeats ± 0.4" */
export function spreadInWords(mean, { deviation, low, high }) {
  const between = low === null || high === null ? "" : ` (${points(low)} to ${points(high)})`;
  const around = deviation === null ? "" : `, single repeats ± ${points(deviation)}`;
  return `mean ${points(mean)} %${between}${around}`;
}
