/**
 * ResNet-18 on ImageNet-1k.
 *
 *     omma train configs/resnet18_imagenet.ts --data FOLDER --amp
 */

import { resNetImageNet } from './_base_/resnetImagenet.ts';

export default resNetImageNet(18, 64);
