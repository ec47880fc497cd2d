/** Functions of one number that JavaScript lacks, to float64 precision. */

/**
 * The error function. A series of positive terms near zero (Abramowitz and Stegun 7.1.6), the continued fraction of erfc
 * (7.1.14) further out, where it converges fast.
 */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const magnitude = Math.abs(x);
  if (magnitude > 6) return Math.sign(x);
  const gauss = Math.exp(-magnitude * magnitude);
  if (magnitude < 2.5) {
    let term = x;
    let total = x;
    for (let n = 1; Math.abs(term) > Math.abs(total) * 1e-17 && n < 200; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      total += term;
    }
    return (2 / Math.sqrt(Math.PI)) * gauss * total;
  }
  let fraction = magnitude;
  for (let n = 60; n >= 1; n--) fraction = magnitude + n / 2 / fraction;
  return Math.sign(x) * (1 - gauss / (fraction * Math.sqrt(Math.PI)));
}

export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/** log(1 + exp(x)); x itself above the threshold of 20. */
export function softplus(x: number): number {
  return x > 20 ? x : Math.log1p(Math.exp(x));
}

export function clip(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}
