/** Configs of registered types that have a key beside the type's own options: a hook's `priority`, a metric's `prefix`. */

import { z } from 'zod';
import { describeAs } from './jsonSchema.ts';
import { problemsOf } from './problems.ts';

/** A schema for what `inner` takes, with `key` beside it where `schema` allows its value. */
export function withExtraKey<T>(inner: () => z.ZodType, key: string, schema: z.ZodType): z.ZodType<T> {
  const checked = z.custom<T>().superRefine((value: unknown, context) => {
    const { extra, rest } = splitKey(value, key);
    const problems = [
      ...(extra === undefined ? [] : problemsOf(z.strictObject({ [key]: schema }), { [key]: extra })),
      ...problemsOf(inner(), rest),
    ];
    for (const { message, path, value: input } of problems)
      context.addIssue({ code: 'custom', message, path: [...path], input });
  });
  return describeAs(checked, (writer, extra) =>
    writer.write(inner(), { ...extra, [key]: writer.write(schema) }),
  );
}

/** The value of `key`, and the object without it. */
export function splitKey(value: unknown, key: string): { readonly extra: unknown; readonly rest: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { extra: undefined, rest: value };
  const { [key]: extra, ...rest }: Record<string, unknown> = { ...value };
  return { extra, rest };
}
