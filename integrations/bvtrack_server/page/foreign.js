/** Validates untrusted values: the expected type or nothing. Their keys go into maps, since objects have keys of their own. */

const LONGEST_LINE = 250;
const IN_NO_ADDRESS = /[\0\ud800-\udfff]/gu;

/** The results of `make` for each; those for which it fails go to `leaveOut` and do not affect the others. */
export function each(items, make, leaveOut) {
  const made = [];
  for (const item of items) {
    try {
      made.push(make(item));
    } catch {
      leaveOut(item);
    }
  }
  return made;
}

export function asList(value) {
  return Array.isArray(value) ? value : [];
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A text with NUL and lone surrogates shown as U+FFFD, as bvtrack writes it; empty if it is not a text. */
export function asText(value) {
  return typeof value === "string" ? value.replace(IN_NO_ADDRESS, "\ufffd") : "";
}

/** A text cut to a readable length. */
export function asLine(value) {
  const line = asText(value).trim();
  return line.length <= LONGEST_LINE ? line : `${asText(line.slice(0, LONGEST_LINE))} …`;
}

/** The words with a capital at their beginning. */
export function begun(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The number if it is one between these two, else `null`. */
export function inRange(value, least, most) {
  return typeof value === "number" && value >= least && value <= most ? value : null;
}

/** MLflow's `[{ key, value }]` as a map from text to text. */
export function byKey(pairs) {
  const texts = asList(pairs).filter((pair) => typeof pair?.key === "string" && typeof pair.value === "string");
  return new Map(texts.map(({ key, value }) => [asText(key), asText(value)]));
}

/** A text parsed as JSON; an empty object if it is not valid. */
export function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
