/** What can be wrong with data: one kind of fault at one place, as plain data. Reports for people and for programs are made of these. */

export const problemKinds = {
  missing: 'files that are missing or empty',
  unreadable: 'pictures that cannot be decoded',
  unknownClass: 'labels that are no class',
  emptyClass: 'classes without samples',
  duplicate: 'ids or files that come more than once',
  unknownImage: 'annotations of pictures that there are not',
  emptyBox: 'boxes without area',
  invertedBox: 'boxes whose right or lower edge lies before the other',
  outsideBox: 'boxes outside of their picture',
  invalidBox: 'boxes that are no four finite numbers',
} as const;

export type ProblemKind = keyof typeof problemKinds;

export interface DataProblem {
  readonly kind: ProblemKind;
  /** The sample, annotation or class: a file name, an id. */
  readonly name: string;
  /** What is wrong with it, and what was expected. */
  readonly message: string;
}
