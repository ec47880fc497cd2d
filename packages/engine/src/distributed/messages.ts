/** What goes between the members of a process group and its hub, as text inside frames. Checked on arrival: anybody may connect. */

import { z } from 'zod';

/** What members say of themselves. A hub of another version or another run is refused with a reason. */
export const helloSchema = z.object({
  protocol: z.literal(2),
  rank: z.int().min(0),
  size: z.int().min(1),
  /** How often the group has re-formed. */
  generation: z.int().min(0),
});

/** What the hub answers once all are there: who the member is now, and where each rank is reached. */
export const welcomeSchema = z.object({
  rank: z.int().min(0),
  size: z.int().min(1),
  /** By rank: where it is reached, and its rank before the group formed. */
  addresses: z.array(z.string()),
  members: z.array(z.int().min(0)),
});

/** The news that the group is broken. */
export const lossSchema = z.object({
  reason: z.string(),
  /** Ranks that died or hang; empty when the group broke otherwise. */
  lost: z.array(z.int().min(0)),
});
export type Loss = z.infer<typeof lossSchema>;

/** A collective as a member calls it. All members must call the same. */
export const callSchema = z.object({
  /** Which one it is, counted by each member. */
  sequence: z.int().min(0),
  name: z.enum(['allReduce', 'broadcast', 'allGather', 'reduceScatter', 'barrier', 'finish']),
  dtype: z.enum(['float32', 'float16', 'bfloat16', 'int32', 'uint32', 'uint8', 'bool']),
  op: z.enum(['sum', 'prod', 'max', 'min']),
  root: z.int().min(0),
});
export type Call = z.infer<typeof callSchema>;

/** The message in `text`; null for anything else. */
export function parsed<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
