/** Curves and what their comparison found, as aligned text. */

import type { CurveComparison } from './compare.ts';
import type { Curve } from './curve.ts';

/** A line a run with its mean loss in tenths of the run and its last metrics; then a line a comparison. */
export function formatCurves(curves: readonly Curve[], comparisons: readonly CurveComparison[]): string {
  const names = curves.map(nameOf);
  const width = Math.max(...names.map((name) => name.length));
  const lines = curves.map((curve, i) => {
    const metrics = Object.entries(curve.metrics.at(-1) ?? {}).map(
      ([key, value]) => `${key} ${value.toFixed(2)}`,
    );
    const means = tenths(curve.losses).map((mean) => mean.toFixed(4));
    return [(names[i] ?? '').padEnd(width), ...means, ...metrics, `${curve.seconds.toFixed(0)} s`].join('  ');
  });
  return [
    `mean losses of ${curves[0]?.losses.length ?? 0} steps, in tenths`,
    ...lines,
    ...comparisons.map(sentence),
  ].join('\n');
}

const nameOf = ({ device, moved }: Curve) => (moved === null ? device : `${device} moved ${moved + 1}`);

function tenths(losses: readonly number[]): number[] {
  const parts = Math.min(10, losses.length);
  return Array.from({ length: parts }, (_, i) => {
    const part = losses.slice(
      Math.floor((i * losses.length) / parts),
      Math.floor(((i + 1) * losses.length) / parts),
    );
    return part.reduce((sum, loss) => sum + loss, 0) / part.length;
  });
}

function sentence({ device, worst, step, first, largest, noise, same }: CurveComparison): string {
  return (
    `${device}: ${same ? 'the same curve' : 'ANOTHER CURVE'}; first step off by ${first.toExponential(1)}, ` +
    `any step by at most ${largest.toExponential(1)} where moved weights make ${noise.toExponential(1)}; ` +
    `closest to its bound at step ${step}: ${(100 * worst).toFixed(0)} %`
  );
}
