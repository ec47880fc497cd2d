/** All rules. Importing this file registers them. */

import './columns.ts';
import './contract.ts';
import './elementwise.ts';
import './gather.ts';
import './maxPoolGradient.ts';
import './normalisation.ts';
import './reduce.ts';
import './source.ts';
import './view.ts';
import './vision.ts';
import './weightGradient.ts';
import './window.ts';
