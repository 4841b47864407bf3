/** Filters runs by a tag; the names and values on offer are those of the loaded runs. */

import { asLine } from "./foreign.js";

const MOST_VALUES = 200;
const OF_PARTS = new Set(["bvtrack.diagnosis", "bvtrack.split", "bvtrack.distribution"]);

export class TagFilter {
  constructor({ name, is, value }, change) {
    Object.assign(this, { name, is, value });
    name.addEventListener("change", () => {
      this.offerValues();
      change();
    });
    value.addEventListener("change", change);
    this.runs = [];
  }

  holds(run) {
    return !this.name.value || valuesOf(run, this.name.value).includes(this.value.value);
  }

  offer(runs) {
    this.runs = runs;
    const names = new Set();
    for (const run of runs) for (const name of run.tags.keys()) names.add(name);
    setOptions(this.name, ["", ...d3.sort(names)], (name) => name || "any");
    this.offerValues();
  }

  offerValues() {
    this.is.hidden = !this.name.value;
    const values = this.runs.flatMap((run) => valuesOf(run, this.name.value));
    const counts = d3.rollup(values, (group) => group.length, (value) => value);
    const frequent = d3.sort(counts.keys(), (value) => -counts.get(value)).slice(0, MOST_VALUES);
    setOptions(this.value, frequent, (value) => `${value} (${counts.get(value)})`);
  }
}

/** Fill a select; its choice stays if it is still offered. */
export function setOptions(select, values, textOf) {
  const chosen = select.value;
  select.replaceChildren(...values.map((value) => new Option(asLine(textOf(value)), value)));
  if (values.includes(chosen)) select.value = chosen;
}

/** A run's value of a tag, and each of its parts, by which `bvtrack.diagnosis` is asked for, too. */
function valuesOf(run, name) {
  const value = run.tags.get(name);
  if (value === undefined) return [];
  return [...new Set([value, ...(OF_PARTS.has(name) ? value.split("+") : [])])];
}
