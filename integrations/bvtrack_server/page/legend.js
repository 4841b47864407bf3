/** The diagnoses, and the mark of a faulty split, as a legend; each is a toggle that hides its runs. */

import { KINDS, kindOf, symbolOf } from "./diagnosis.js";
import { count } from "./number.js";

const FAULTY = "faulty";
const OF_FAULTY = "Struck through: leak, shift or misuse in the split";

export class Legend {
  constructor(element, change) {
    this.hidden = new Set();
    this.entries = new Map();
    for (const [kind, { label }] of Object.entries(KINDS)) element.append(this.entryOf(kind, label, symbolOf(kind, { size: 14 }), change));
    element.append(this.entryOf(FAULTY, OF_FAULTY, symbolOf("unclear", { size: 14, isStruck: true }), change));
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
  return [kindOf(run.diagnosis), ...(run.split.faults.length > 0 ? [FAULTY] : [])];
}
