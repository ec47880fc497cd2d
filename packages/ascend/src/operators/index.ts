/** The operator table and what follows from it. */

export { cannDialect } from './dialect.ts';
export { checkNode, type Place, type Precision, precisions, type Target, type Verdict } from './evaluate.ts';
export type { Condition, Family, Kernel, Limit, Operator, Toolkit } from './schema.ts';
export {
  findSoc,
  findToolkit,
  kernelRow,
  kernelRows,
  operatorRow,
  operatorRows,
  type Soc,
  socNames,
  toolkitVersions,
} from './table.ts';
export { defaultCann, defaultSoc, targetFor } from './target.ts';
export { compareVersions, hasOpset, inVersionRange } from './version.ts';
