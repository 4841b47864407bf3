/** The 95 % intervals of a run's gaps as lines with caps, where they are known. */

const CAP = 4;

/** Paths through the symbol at `x` and `y`: across for the bias, up for the variance. */
export function barsOf({ run, x, y }, scales) {
  const bars = [];
  if (run.bias.low !== null && run.bias.high !== null) {
    const [low, high] = [scales.x(run.bias.low), scales.x(run.bias.high)];
    bars.push(`M${low},${y}H${high}M${low},${y - CAP}v${2 * CAP}M${high},${y - CAP}v${2 * CAP}`);
  }
  if (run.variance.low !== null && run.variance.high !== null) {
    const [low, high] = [scales.y(run.variance.low), scales.y(run.variance.high)];
    bars.push(`M${x},${low}V${high}M${x - CAP},${low}h${2 * CAP}M${x - CAP},${high}h${2 * CAP}`);
  }
  return bars;
}
