/** All forms. Importing this file registers them. */

import './arithmetic.ts';
import './convolution.ts';
import './pool.ts';
import './scatter.ts';
import './slice.ts';
import './widen.ts';
