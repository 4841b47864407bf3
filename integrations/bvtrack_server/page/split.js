/** The split of a run's data by the codes in its tags: which of them are faults, and all in words. */

import { asLine, begun } from "./foreign.js";
import { SPLIT_FAULTS } from "./words.js";

const NO_FINDINGS = new Map([["", "–"], ["ok", "Nothing found"], ["unchecked", "Not checked"], ["pending", "Pending"]]);
const MOST_CODES = 50;
/** What earlier versions say in `bvtrack.distribution` alone. */
const OF_DISTRIBUTION = new Map([
  ["leak", "Examples of one set are in another, too"],
  ["shifted", "The sets are distributed otherwise"],
]);

/** `{ label, faults }`: all codes in few words, and a sentence for each leak, shift or misuse. */
export function splitOf({ codes, distribution, nextStep }) {
  const known = codes.split("+").filter(Boolean).slice(0, MOST_CODES);
  const faults = known.filter((code) => SPLIT_FAULTS.has(code)).map((code) => sentenceFor(SPLIT_FAULTS.get(code), nextStep));
  const older = faults.length ? [] : distribution.split("+").filter((part) => OF_DISTRIBUTION.has(part));
  const worst = d3.sort(known, (code) => (SPLIT_FAULTS.has(code) ? 0 : 1));
  const label = NO_FINDINGS.get(codes) ?? (worst.map(asWords).join(", ") || NO_FINDINGS.get(""));
  const own = older.length > 0 && (NO_FINDINGS.has(codes) || known.length === 0) ? [] : [label];
  return {
    label: asLine([...older.map(asWords), ...own].join(", ")),
    faults: [...faults, ...older.map((part) => OF_DISTRIBUTION.get(part))],
  };
}

/** Of a fault that may be slight, the first step tells whether it counts. */
function sentenceFor({ words, step, may_be_slight: mayBeSlight }, nextStep) {
  const isSlight = mayBeSlight && nextStep !== "" && nextStep !== step;
  return begun(isSlight ? `${words} (too few to move an error by much)` : words);
}

function asWords(code) {
  return begun(code.replaceAll("_", " ").trim());
}
