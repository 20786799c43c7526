// Images as the network takes them, and its depth as large as the image: what `DepthPredictor` does, without canvas's
// own resizing, which is another one in each browser.

/** Round as Python and OpenCV do: halves to the even number. */
function roundEven(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

/**
 * Return the size that an image is resized to (`ResizeRGBD`).
 *
 * @param {{width: number, height: number}} image
 * @param {{width: number, height: number, mode: "fit"|"cover"|"stretch"}} wanted
 * @returns {{width: number, height: number}}
 */
export function targetSize(image, wanted) {
  if (wanted.mode === "stretch") return { width: wanted.width, height: wanted.height };
  const factors = [wanted.height / image.height, wanted.width / image.width];
  if (wanted.mode === "fit") {
    const factor = Math.min(...factors);
    const inside = (side, limit) => Math.min(Math.max(1, roundEven(side * factor)), limit);
    return { width: inside(image.width, wanted.width), height: inside(image.height, wanted.height) };
  }
  const factor = Math.max(...factors);
  const covering = (side, limit) => Math.max(roundEven(side * factor), limit);
  return { width: covering(image.width, wanted.width), height: covering(image.height, wanted.height) };
}

/** Which source pixels make one pixel of a side that shrinks, and how much of each: {first, weights} of each pixel. */
function areaParts(from, to) {
  const scale = from / to;
  return Array.from({ length: to }, (_, i) => {
    const [begin, end] = [i * scale, Math.min((i + 1) * scale, from)];
    const first = Math.floor(begin + 1e-9);
    const weights = [];
    for (let at = first; at < end - 1e-9; at++) {
      weights.push((Math.min(end, at + 1) - Math.max(begin, at)) / (end - begin));
    }
    return { first, weights };
  });
}

/** Which two source pixels make one pixel of a side that grows; pixel centres are at halves. */
function linearParts(from, to) {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    const first = Math.min(Math.floor(at), Math.max(0, from - 2));
    return { first, weights: from > 1 ? [1 - (at - first), at - first] : [1] };
  });
}

/**
 * Resize by parts of both sides.
 *
 * @param {ArrayLike<number>} source rows of pixels, `step` numbers each, of which the first `channels` count
 * @returns {Float32Array} rows of pixels, `channels` numbers each
 */
function resize(source, width, step, channels, columns, rows) {
  const resized = new Float32Array(rows.length * columns.length * channels);
  const mixed = new Float64Array(width * channels); // one row of the result, as wide as the source
  rows.forEach(({ first: top, weights: heights }, y) => {
    mixed.fill(0);
    heights.forEach((part, i) => {
      let from = (top + i) * width * step;
      for (let to = 0; to < mixed.length; to += channels, from += step) {
        for (let c = 0; c < channels; c++) mixed[to + c] += part * source[from + c];
      }
    });
    let to = y * columns.length * channels;
    for (const { first, weights } of columns) {
      for (let c = 0; c < channels; c++, to++) {
        let sum = 0;
        for (let i = 0; i < weights.length; i++) sum += weights[i] * mixed[(first + i) * channels + c];
        resized[to] = sum;
      }
    }
  });
  return resized;
}

/**
 * Resize an image: sides that shrink by area, others bilinearly, in whole steps of grey as the files have.
 *
 * @param {Uint8ClampedArray} pixels RGBA
 * @returns {Float32Array} RGB, 0 to 255, row by row
 */
export function resizeImage(pixels, image, target) {
  const smaller = { width: Math.min(image.width, target.width), height: Math.min(image.height, target.height) };
  let columns = areaParts(image.width, smaller.width);
  let rows = areaParts(image.height, smaller.height);
  const shrunk = resize(pixels, image.width, 4, 3, columns, rows).map(roundEven);
  if (smaller.width === target.width && smaller.height === target.height) return shrunk;
  columns = linearParts(smaller.width, target.width);
  rows = linearParts(smaller.height, target.height);
  return resize(shrunk, smaller.width, 3, 3, columns, rows).map(roundEven);
}

/**
 * Lay an image out for the network: channel by channel, its border repeated up to multiples of `divisor`.
 *
 * @returns {{data: Float32Array, dims: number[]}} (1, 3, H, W)
 */
export function layOut(rgb, { width, height }, divisor) {
  const [across, down] = [width, height].map((side) => Math.ceil(side / divisor) * divisor);
  const data = new Float32Array(3 * across * down);
  for (let c = 0, to = 0; c < 3; c++) {
    for (let y = 0; y < down; y++) {
      const row = Math.min(y, height - 1) * width;
      for (let x = 0; x < across; x++, to++) data[to] = rgb[3 * (row + Math.min(x, width - 1)) + c];
    }
  }
  return { data, dims: [1, 3, down, across] };
}

/**
 * Make the network's depth as large as the image, bilinearly and without its padding.
 *
 * @param {Float32Array} depth of the padded input, `across` wide
 * @param {number} factor what it is multiplied by
 * @returns {Float32Array} row by row
 */
export function enlarge(depth, across, seen, image, factor) {
  const cropped = new Float32Array(seen.width * seen.height);
  for (let y = 0, to = 0; y < seen.height; y++) {
    for (let x = 0; x < seen.width; x++, to++) cropped[to] = depth[y * across + x] * factor;
  }
  const columns = linearParts(seen.width, image.width);
  const rows = linearParts(seen.height, image.height);
  return resize(cropped, seen.width, 1, 1, columns, rows);
}
