/** A transform of a user's own, in a file of its own because worker threads import it. */

import { registerTransform } from '@omma/cv';
import { z } from 'zod';

declare module '@omma/cv' {
  interface TransformTypes {
    Fade: { readonly most: number };
  }
}

registerTransform('Fade', {
  module: import.meta.url,
  schema: z.strictObject({ most: z.number().min(0).max(1) }),
  build: ({ most }) => ({
    pixels: ({ data }, random) => {
      const kept = 1 - most * random();
      for (let i = 0; i < data.length; i++) data[i] = Math.floor((data[i] ?? 0) * kept);
    },
  }),
});
