/** Filters runs by a tag; the names and values on offer are those of the loaded runs. */

import { asLine } from "./foreign.js";

const MOST_VALUES = 200;

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
    return !this.name.value || run.tags.get(this.name.value) === this.value.value;
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
    const counts = d3.rollup(this.runs, (group) => group.length, (run) => run.tags.get(this.name.value));
    counts.delete(undefined);
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
