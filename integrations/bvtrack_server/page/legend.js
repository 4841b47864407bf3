/** The diagnoses, and the marks of a faulty split and of repeats, as a legend; each is a toggle that hides its runs. */

import { KINDS, kindOf, symbolOf } from "./diagnosis.js";
import { count } from "./number.js";

const FAULTY = "faulty";
const OF_FAULTY = "Struck through: leak, shift or misuse in the split";
const REPEATED = "repeated";
const OF_REPEATED = "Outlined twice: mean over repeats with its 95 % interval; dots: the repeats";

export class Legend {
  constructor(element, change) {
    this.hidden = new Set();
    this.entries = new Map();
    for (const [kind, { label }] of Object.entries(KINDS)) element.append(this.entryOf(kind, label, symbolOf(kind, { size: 14 }), change));
    element.append(this.entryOf(FAULTY, OF_FAULTY, symbolOf("unclear", { size: 14, isStruck: true }), change));
    element.append(this.entryOf(REPEATED, OF_REPEATED, symbolOf("balanced", { size: 14, isRepeated: true }), change));
  }

  shows(run) {
    return entriesOf(run).every((name) => !this.hidden.has(name));
  }

  /** Show the number of these runs of each entry; those without runs are left out. */
  count(runs) {
    const counts = d3.rollup(runs.flatMap(entriesOf), (same) => same.length, (name) => name);
    for (const [kind, { entry, number }] of this.entries) {
      entry.hidden = !counts.has(kind);
      number.textContent = count(counts.get(kind) ?? 0);
    }
  }

  entryOf(kind, label, symbol, change) {
    const entry = document.createElement("label");
    const box = document.createElement("input");
    const number = document.createElement("span");
    box.type = "checkbox";
    box.checked = true;
    number.className = "count";
    box.addEventListener("change", () => {
      if (box.checked) this.hidden.delete(kind);
      else this.hidden.add(kind);
      change();
    });
    entry.append(box, symbol, label, number);
    this.entries.set(kind, { entry, number });
    return entry;
  }
}

function entriesOf(run) {
  return [kindOf(run.diagnosis), ...(run.split.faults.length > 0 ? [FAULTY] : []), ...(run.repeats === null ? [] : [REPEATED])];
}
