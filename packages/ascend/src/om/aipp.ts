/**
 * AIPP: the unit of an Ascend chip that prepares pictures before the network sees them. Here it takes bytes as decoders give them, [N, H, W, C], and normalises
 * them into the [N, C, H, W] that the network takes; what it hands on is float16.
 */

import { DeviceError } from '@omma/core';

/** Per channel, on the scale 0 to 255. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** What its configuration calls pictures of so many channels. */
const formats: Readonly<Record<number, string>> = { 1: 'YUV400_U8', 3: 'RGB888_U8' };

/**
 * The configuration file for `--insert_op_conf`. The unit computes `(in - mean_chn - min_chn) * var_reci_chn` with a whole number as `mean_chn` and float16 for the
 * others, so a mean is split in two. Throws DeviceError for what it cannot do.
 */
export function aippConfig({ mean, std }: Normalization): string {
  const format = formats[mean.length];
  if (format === undefined || std.length !== mean.length) {
    throw new DeviceError(
      `aipp: takes pictures of 1 or 3 channels but there are ${mean.length} means and ${std.length} stds; export without it`,
    );
  }
  const lines = mean.flatMap((value, channel) => {
    const deviation = std[channel] ?? 0;
    if (!(value >= 0 && value <= 255) || !(deviation > 0)) {
      throw new DeviceError(
        `aipp: the mean must be between 0 and 255 and the std above 0 but channel ${channel} has ${value} and ${deviation}; export without it`,
      );
    }
    const whole = Math.floor(value);
    return [
      `mean_chn_${channel}: ${whole}`,
      `min_chn_${channel}: ${decimal(value - whole)}`,
      `var_reci_chn_${channel}: ${decimal(1 / deviation)}`,
    ];
  });
  const settings = ['aipp_mode: static', 'related_input_rank: 0', `input_format: ${format}`, ...lines];
  return `aipp_op {\n${settings.map((line) => `  ${line}\n`).join('')}}\n`;
}

/** Enough digits for float16, never with an exponent, which the file's format may not know. */
const decimal = (value: number) => value.toFixed(8);
