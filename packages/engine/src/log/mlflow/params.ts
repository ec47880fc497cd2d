/** A config as MLflow's parameters: flat names, short values. */

/** MLflow refuses longer values. */
const longestValue = 500;

/** `{ optimWrapper: { optimizer: { lr: 0.1 } } }` to `{ 'optimWrapper.optimizer.lr': '0.1' }`. */
export function flatParams(value: unknown, prefix = ''): Record<string, string> {
  if (typeof value !== 'object' || value === null) {
    const key = prefix.replace(/[^\w\-. :/]/g, '_');
    return { [key]: String(value).slice(0, longestValue) };
  }
  // Lists of plain values stay together: a mean of three numbers is one parameter.
  if (Array.isArray(value) && value.every((entry) => typeof entry !== 'object' || entry === null))
    return flatParams(JSON.stringify(value), prefix);
  return Object.assign(
    {},
    ...Object.entries(value).map(([key, entry]) =>
      flatParams(entry, prefix === '' ? key : `${prefix}.${key}`),
    ),
  );
}
