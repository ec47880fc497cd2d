/** What becomes of MMPretrain's types when its configs are read: see @omma/engine's config/openmmlab. */

import {
  ConfigDict,
  ConfigTuple,
  type ConfigValue,
  isEmpty,
  type KeyRule,
  needless,
  oneOf,
  onlyType,
  registerOpenMMLabKeys,
  registerOpenMMLabTypes,
  squareSize,
  typeName,
} from '@omma/engine';

/** Statistics of the batch, learned scale and shift: what Omma's ResNet has. */
const batchNorm: KeyRule = {
  neutral: (value) =>
    value instanceof ConfigDict &&
    onlyType(['BN', 'BN2d'], ['requires_grad'])(value) &&
    value.get('requires_grad') !== false,
  missing: "Omma's backbones have batch norm (BN)",
};

const initConfig: KeyRule = { name: 'initConfig', neutral: isEmpty };

const backbone = {
  norm_cfg: batchNorm,
  with_cp: { neutral: oneOf(false), missing: 'name the blocks in activationCheckpointing' },
  init_cfg: initConfig,
  deep_stem: { neutral: oneOf(false) },
  avg_down: { neutral: oneOf(false) },
  drop_path_rate: { neutral: oneOf(0) },
  conv_cfg: { neutral: isEmpty },
} satisfies Record<string, KeyRule>;

/** `dict(type='LabelSmoothLoss', label_smooth_val=0.1)` as 0.1. */
function labelSmoothing(loss: ConfigValue): ConfigValue | undefined {
  if (!onlyType(['LabelSmoothLoss'], ['label_smooth_val', 'mode', 'loss_weight'])(loss)) return undefined;
  if (!(loss instanceof ConfigDict) || !oneOf(1)(loss.get('loss_weight') ?? 1)) return undefined;
  return oneOf('original')(loss.get('mode') ?? 'original') ? loss.get('label_smooth_val') : undefined;
}

function plainCrossEntropy(loss: ConfigValue): boolean {
  if (!(loss instanceof ConfigDict) || !onlyType(['CrossEntropyLoss'], ['loss_weight'])(loss)) return false;
  return oneOf(1)(loss.get('loss_weight') ?? 1);
}

const size: KeyRule = { name: 'size', value: squareSize };
/** How a picture is read and resampled is Omma's own. */
const pixels = { backend: needless, interpolation: { neutral: oneOf('bilinear') } } satisfies Record<
  string,
  KeyRule
>;

const folder: KeyRule = { name: 'root', value: (value) => (typeof value === 'string' ? value : undefined) };

/** What MMEngine's `BaseDataset` has and a data set of Omma does not need to be told. */
const everyDataset = {
  metainfo: { neutral: isEmpty, name: 'classes', value: classesOf, missing: 'Omma takes the classes alone' },
  // The loader says whether it trains; nothing is loaded that is not asked for, and threads share what is.
  test_mode: needless,
  lazy_init: needless,
  serialize_data: needless,
  max_refetch: needless,
  filter_cfg: { neutral: isEmpty, missing: 'name the pictures in an annFile' },
  indices: { neutral: oneOf(null), missing: 'put the data set into a SubsetDataset' },
} satisfies Record<string, KeyRule>;

const annFile: KeyRule = { name: 'annFile', neutral: oneOf('') };
const cifar = {
  ...everyDataset,
  data_root: folder,
  pipeline: { name: 'transforms' },
  // What CIFAR calls its test pictures, Omma validates on.
  split: { value: (split) => (split === 'test' ? 'val' : split) },
} satisfies Record<string, KeyRule>;

registerOpenMMLabKeys({
  data_preprocessor: {
    path: ['model', 'dataPreprocessor'],
    keys: {
      type: { neutral: oneOf('ClsDataPreprocessor') },
      num_classes: needless,
      // Omma decodes to RGB, MMCV to BGR; CIFAR's arrays are RGB in both.
      to_rgb: {
        name: 'rgbToBgr',
        neutral: (value, { root }) => oneOf(true)(value) || readsArrays(root),
        value: () => true,
      },
    },
  },
});

registerOpenMMLabTypes({
  ImageClassifier: {
    keys: {
      train_cfg: { neutral: isEmpty },
      pretrained: { neutral: isEmpty },
      init_cfg: { neutral: isEmpty, missing: 'give loadFrom, or the initConfig of a part' },
    },
  },
  ResNet: { keys: backbone },
  ResNet_CIFAR: { type: 'ResNet', keys: backbone, adds: { stem: 'cifar' } },
  LinearClsHead: {
    keys: {
      loss: {
        name: 'labelSmoothing',
        neutral: plainCrossEntropy,
        value: labelSmoothing,
        missing: 'Omma has cross entropy with label smoothing',
      },
      // The metric says which shares it counts.
      topk: needless,
      cal_acc: { neutral: oneOf(false) },
      init_cfg: initConfig,
    },
  },
  ImageNet: {
    type: 'ImageFolder',
    keys: {
      ...everyDataset,
      data_root: folder,
      pipeline: { name: 'transforms' },
      ann_file: annFile,
      data_prefix: { neutral: oneOf('') },
    },
  },
  CIFAR10: { keys: cifar },
  CIFAR100: { keys: cifar },
  CustomDataset: {
    type: 'ImageFolder',
    keys: {
      ...everyDataset,
      data_root: folder,
      pipeline: { name: 'transforms' },
      data_prefix: {
        name: 'split',
        value: splitOf,
        missing: 'Omma looks for train/ and val/ below the root',
      },
      ann_file: annFile,
      with_label: { neutral: oneOf(true), missing: 'Omma has no training without labels' },
    },
  },
  LoadImageFromFile: { type: null },
  PackInputs: { type: null },
  RandomResizedCrop: {
    keys: {
      ...pixels,
      scale: size,
      crop_ratio_range: { name: 'scale' },
      aspect_ratio_range: { name: 'ratio' },
    },
  },
  RandomFlip: { keys: { prob: { name: 'probability' }, direction: { neutral: oneOf('horizontal') } } },
  ResizeEdge: { type: 'Resize', keys: { ...pixels, scale: size, edge: { neutral: oneOf('short') } } },
  Resize: { keys: { ...pixels, scale: { name: 'size', value: heightAndWidth } } },
  CenterCrop: { keys: { ...pixels, crop_size: size, efficientnet_style: { neutral: oneOf(false) } } },
  RandomCrop: { keys: { crop_size: size } },
  ColorJitter: { keys: { backend: needless } },
  RandomGrayscale: {
    keys: {
      prob: { name: 'probability' },
      keep_channels: { neutral: oneOf(true), missing: 'Omma keeps three channels' },
      channel_weights: needless,
      color_format: needless,
    },
  },
  RandomErasing: {
    keys: {
      erase_prob: { name: 'probability' },
      min_area_ratio: {
        name: 'areaRatio',
        value: (least, { siblings }) => [least, siblings.get('max_area_ratio') ?? 0.4],
      },
      max_area_ratio: {
        name: 'areaRatio',
        neutral: (_, { siblings }) => siblings.get('min_area_ratio') !== undefined,
        value: (most) => [0.02, most],
      },
      fill_color: { value: redFirst },
      fill_std: { neutral: oneOf(null), value: redFirst },
    },
  },
});

/** True when the config's pictures are arrays of a data set and no files. */
function readsArrays(root: ConfigDict): boolean {
  return ['train_dataloader', 'val_dataloader'].some((key) => {
    const loader = root.get(key);
    const dataset = loader instanceof ConfigDict ? loader.get('dataset') : undefined;
    const type = dataset instanceof ConfigDict ? typeName(dataset.get('type')) : null;
    return type !== null && /^(CIFAR|MNIST|FashionMNIST)/.test(type);
  });
}

/** `train` of a prefix such as `train`, `data/train` or `dict(img_path='train')`. */
function splitOf(prefix: ConfigValue): ConfigValue | undefined {
  const path = prefix instanceof ConfigDict ? prefix.get('img_path') : prefix;
  const name = typeof path === 'string' ? path.replace(/\/$/, '').split('/').at(-1) : undefined;
  return name === 'train' || name === 'val' ? name : undefined;
}

/** The classes of `metainfo=dict(classes=[...])`, where that is all it has. */
function classesOf(metainfo: ConfigValue): ConfigValue | undefined {
  if (!(metainfo instanceof ConfigDict) || [...metainfo.keys()].some((key) => key !== 'classes'))
    return undefined;
  const classes = metainfo.get('classes');
  return classes instanceof ConfigTuple ? [...classes.items] : classes;
}

/** OpenMMLab's colours are blue, green, red. */
function redFirst(colour: ConfigValue): ConfigValue | undefined {
  const items = colour instanceof ConfigTuple ? colour.items : Array.isArray(colour) ? colour : null;
  return items?.toReversed();
}

/** OpenMMLab's (width, height) as [height, width]; one number is both. */
function heightAndWidth(scale: ConfigValue): ConfigValue | undefined {
  if (typeof scale === 'number') return [scale, scale];
  const items = scale instanceof ConfigTuple ? scale.items : Array.isArray(scale) ? scale : [];
  return items.length === 2 ? items.toReversed() : undefined;
}
