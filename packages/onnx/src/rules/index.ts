/** All rules. Importing this file registers them. */

import './columns.ts';
import './contract.ts';
import './convolution/convolution.ts';
import './convolution/weightGradient.ts';
import './elementwise.ts';
import './gather.ts';
import './maxPoolGradient.ts';
import './normalisation.ts';
import './reduce.ts';
import './source.ts';
import './view.ts';
import './vision.ts';
import './window.ts';
