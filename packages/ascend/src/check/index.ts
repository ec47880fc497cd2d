/** Checks of whole models against the operator table. */

export {
  type CheckCounts,
  type CheckedNode,
  type CheckGroup,
  checkModel,
  countPlaces,
  groupNodes,
  type ModelCheck,
} from './check.ts';
