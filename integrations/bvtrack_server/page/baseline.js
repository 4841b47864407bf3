/** What a bias is measured from. By where the human error is from, the rule differs. */

/** `kind` is as in `regions.json`: `given`, `assumed`, `none` (no error rate) or `reached` by another run; `human` is in points. */
export class Baseline {
  constructor(kind, human = 0) {
    Object.assign(this, { kind, human });
  }

  /** Equal for equal baselines; D3 groups by it. */
  valueOf() {
    return `${this.kind} ${this.human}`;
  }
}

export const ASSUMED = new Baseline("assumed");

/** The baseline of a run: `source` is its tag, without which 0 is an assumption; `null` if the human error is not readable. */
export function baselineOf({ source, human, isErrorRate }) {
  if (source === "zero" || (human === 0 && !source)) return isErrorRate ? ASSUMED : new Baseline("none");
  return human === null ? null : new Baseline(source === "experiment_best" ? "reached" : "given", human);
}

export function areSame(one, other) {
  return one?.valueOf() === other?.valueOf();
}
