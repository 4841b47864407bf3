/** Numbers formatted for readers; points have one decimal place, as in bvtrack's notes. */

const MINUS = "\u2212";
const COUNT = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function points(value) {
  return value === null ? "–" : value.toFixed(1).replace(/^-(?=0\.0$)/, "").replace("-", MINUS);
}

export function signed(value) {
  if (value === null) return "–";
  const text = points(value);
  return text.startsWith(MINUS) || text === "0.0" ? text : `+${text}`;
}

export function count(value) {
  return value === null ? "–" : COUNT.format(value);
}

export function moment(milliseconds) {
  return milliseconds === null ? "–" : MOMENT.format(milliseconds);
}

/** "3.1 (95 % interval 2.0 to 4.2)" */
export function gapInWords(gap) {
  if (gap === null) return "not known";
  if (gap.low === null || gap.high === null) return `${signed(gap.value)} points`;
  return `${signed(gap.value)} points (${signed(gap.low)} to ${signed(gap.high)})`;
}
