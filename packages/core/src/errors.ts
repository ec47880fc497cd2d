/**
 * The errors that a user can cause. Each is one line: what was expected, what was found, where, what to do.
 *
 * The command line prints the message of an `OmmaError` without a stack trace; any other exception is a defect of ours
 * and keeps its trace.
 */

export class OmmaError extends Error {
  override name = 'OmmaError';
}

/**
 * A store that data lies on cannot be reached, or fails again and again. No fault of one sample: what skips samples that cannot be read does not skip
 * these, because the next one would only wait as long.
 */
export class StoreError extends OmmaError {
  override name = 'StoreError';
}

/** Shapes, dtypes or attributes that an operator does not accept. Thrown while tracing, never later. */
export class ShapeError extends OmmaError {
  override name = 'ShapeError';
}

/** A device cannot run a node, or failed to. */
export class DeviceError extends OmmaError {
  override name = 'DeviceError';
}
