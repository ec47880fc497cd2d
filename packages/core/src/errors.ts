/**
 * The errors that a user can cause. Each is one line: what was expected, what was found, where, what to do.
 *
 * The command line prints the message of an `OmmaError` without a stack trace; any other exception is a defect of ours
 * and keeps its trace.
 */

export class OmmaError extends Error {
  override name = 'OmmaError';
}

/** Shapes, dtypes or attributes that an operator does not accept. Thrown while tracing, never later. */
export class ShapeError extends OmmaError {
  override name = 'ShapeError';
}

/** A device cannot run a node, or failed to. */
export class DeviceError extends OmmaError {
  override name = 'DeviceError';
}
