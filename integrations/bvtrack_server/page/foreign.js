/** What others wrote, as what it should be or not at all. What they have named is kept in maps: an object has names of its own. */

const LONGEST_LINE = 250;
const IN_NO_ADDRESS = /[\0\ud800-\udfff]/gu;

/** What `make` makes of each; those that it fails for go to `leaveOut`, and take no other with them. */
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

/** A text with NUL and lone surrogates shown as U+FFFD, as bvtrack writes it; empty for what is no text. */
export function asText(value) {
  return typeof value === "string" ? value.replace(IN_NO_ADDRESS, "\ufffd") : "";
}

/** A text that fits where people read it. */
export function asLine(value) {
  const line = asText(value).trim();
  return line.length <= LONGEST_LINE ? line : `${asText(line.slice(0, LONGEST_LINE))} …`;
}

/** The number where it is one between these two, else `null`. */
export function inRange(value, least, most) {
  return typeof value === "number" && value >= least && value <= most ? value : null;
}

/** MLflow's `[{ key, value }]` as a map from text to text. */
export function byKey(pairs) {
  const texts = asList(pairs).filter((pair) => typeof pair?.key === "string" && typeof pair.value === "string");
  return new Map(texts.map(({ key, value }) => [asText(key), asText(value)]));
}

/** What a text holds as JSON; an empty object for what holds nothing. */
export function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
