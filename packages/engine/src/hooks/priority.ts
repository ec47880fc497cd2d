/** When a hook runs among the others at a point: OpenMMLab's names and numbers, the smallest first. */

export const priorities = {
  HIGHEST: 0,
  VERY_HIGH: 10,
  HIGH: 30,
  ABOVE_NORMAL: 40,
  NORMAL: 50,
  BELOW_NORMAL: 60,
  LOW: 70,
  VERY_LOW: 90,
  LOWEST: 100,
} as const;

export type PriorityName = keyof typeof priorities;
/** A name, or a number from 0 to 100 for a place in between. */
export type Priority = PriorityName | number;

/** The number of a priority; NORMAL where there is none. */
export function priorityNumber(priority: Priority = 'NORMAL'): number {
  return typeof priority === 'number' ? priority : priorities[priority];
}
