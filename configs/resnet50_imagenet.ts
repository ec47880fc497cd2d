/**
 * ResNet-50 on ImageNet-1k.
 *
 *     omma train configs/resnet50_imagenet.ts --data FOLDER --amp
 */

import { resNetImageNet } from './_base_/resnetImagenet.ts';

export default resNetImageNet(50, 32);
