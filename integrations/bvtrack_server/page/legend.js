/** The diagnoses as a legend; each is a toggle that hides its runs. */

import { KINDS, kindOf, symbolOf } from "./diagnosis.js";
import { count } from "./number.js";

export class Legend {
  constructor(element, change) {
    this.hidden = new Set();
    this.entries = new Map();
    for (const [kind, { label }] of Object.entries(KINDS)) element.append(this.entryOf(kind, label, change));
  }

  shows(run) {
    return !this.hidden.has(kindOf(run.diagnosis));
  }

  /** Show the number of runs of each kind; kinds without runs are left out. */
  count(runs) {
    const counts = d3.rollup(runs, (group) => group.length, (run) => kindOf(run.diagnosis));
    for (const [kind, { entry, number }] of this.entries) {
      entry.hidden = !counts.has(kind);
      number.textContent = count(counts.get(kind) ?? 0);
    }
  }

  entryOf(kind, label, change) {
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
    entry.append(box, symbolOf(kind, 14), label, number);
    this.entries.set(kind, { entry, number });
    return entry;
  }
}
