// The ends of the colours of a map in metres: the rules of `depthkit/visualization/color_range.py`.

import { isValid } from "./colors.js";

const ENDS = [0.02, 0.98];
const SAMPLED = 1_000_000; // [px]
const FLATTEST = 0.25; // of the middle depth
const DEFAULT_RANGE = [0, 10]; // [m]

/**
 * Return near and far [m]: nearly all of the depth, between readable numbers.
 *
 * @param {number[]|null} limits what depth cannot exceed [m]
 */
export function readableRange(values, { width, height }, limits) {
  const every = Math.max(1, Math.floor(Math.sqrt(Math.floor(values.length / SAMPLED))));
  const sampled = [];
  for (let y = 0; y < height; y += every) {
    for (let x = 0; x < width; x += every) sampled.push(values[y * width + x]);
  }
  const sorted = Float32Array.from(sampled.filter((value) => isValid(value, "metric"))).sort();
  if (!sorted.length) return DEFAULT_RANGE;
  let [low, high] = ENDS.map((end) => percentile(sorted, end));
  const widen = Math.max(0, (FLATTEST * (low + high)) / 2 - (high - low)) / 2;
  [low, high] = [low - widen, high + widen];
  const power = 10 ** Math.floor(Math.log10(high - low));
  const step = [0.1, 0.2, 0.5, 1].find((factor) => high - low <= 12 * factor * power) * power;
  [low, high] = [Math.floor(low / step + 1e-6) * step, Math.ceil(high / step - 1e-6) * step];
  if (limits) [low, high] = [Math.max(low, limits[0]), Math.min(high, limits[1])];
  return low < high ? [Number(Math.max(low, 0).toFixed(9)), Number(high.toFixed(9))] : DEFAULT_RANGE;
}

function percentile(sorted, fraction) {
  const at = (sorted.length - 1) * fraction;
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}
