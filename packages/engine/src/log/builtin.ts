/** The backends that Omma comes with. */

import { z } from 'zod';
import { visBackends } from './backend.ts';
import { CsvVisBackend } from './csv.ts';
import { LocalVisBackend } from './local.ts';
import { MLflowVisBackend } from './mlflow/mlflow.ts';
import { mlflowSchema } from './mlflow/options.ts';
import { TensorboardVisBackend } from './tensorboard/tensorboard.ts';

const noOptions = z.strictObject({});

visBackends.register('LocalVisBackend', noOptions, () => (context) => new LocalVisBackend(context));
visBackends.register(
  'TensorboardVisBackend',
  noOptions,
  () => (context) => new TensorboardVisBackend(context),
);
visBackends.register('CsvVisBackend', noOptions, () => (context) => new CsvVisBackend(context));
visBackends.register(
  'MLflowVisBackend',
  mlflowSchema,
  (options) => (context) => new MLflowVisBackend(options, context),
);
