// Values as colours, with the palette that the answer has.

/** Turn "RRGGBB..." into bytes. */
function bytesOf(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Whether a value is one: relative results may be 0, and depth of 0 was not measured. */
export function isValid(value, kind) {
  return Number.isFinite(value) && (kind === "relative" || value > 0);
}

/**
 * Colour a map on a canvas, of which each pixel shows one value.
 *
 * @param {HTMLCanvasElement} canvas of the size to draw, at most that of the map
 */
export function paintValues(canvas, values, answer) {
  const { width, height, kind, colors } = answer;
  const palette = bytesOf(colors.palette);
  const invalid = bytesOf(colors.invalid);
  const context = canvas.getContext("2d");
  const painted = context.createImageData(canvas.width, canvas.height);
  const span = colors.high - colors.low;
  for (let y = 0, i = 0; y < canvas.height; y++) {
    const row = Math.floor(((y + 0.5) * height) / canvas.height) * width;
    for (let x = 0; x < canvas.width; x++, i += 4) {
      const value = values[row + Math.floor(((x + 0.5) * width) / canvas.width)];
      const valid = isValid(value, kind);
      const place = valid ? 3 * Math.round(255 * Math.min(1, Math.max(0, (value - colors.low) / span))) : 0;
      const from = valid ? palette : invalid;
      painted.data[i] = from[place];
      painted.data[i + 1] = from[place + 1];
      painted.data[i + 2] = from[place + 2];
      painted.data[i + 3] = 255;
    }
  }
  context.putImageData(painted, 0, 0);
}

/** Draw the palette from near to far, and return the words below it with their places [%]. */
export function paintPalette(canvas, answer) {
  const palette = bytesOf(answer.colors.palette);
  const near = answer.kind === "metric" ? 0 : 255;
  const context = canvas.getContext("2d");
  const painted = context.createImageData(256, 1);
  for (let x = 0; x < 256; x++) {
    const place = 3 * Math.abs(near - x);
    painted.data.set([palette[place], palette[place + 1], palette[place + 2], 255], 4 * x);
  }
  context.putImageData(painted, 0, 0);
  if (answer.kind === "relative") {
    return [{ text: "near", place: 0, isEnd: true }, { text: "far", place: 100, isEnd: true }];
  }
  const { low, high } = answer.colors;
  return readable(low, high).map((value) => ({ text: `${value} m`, place: (100 * (value - low)) / (high - low) }));
}

/** Return some round numbers between two, none so near to an end that its words would stick out. */
function readable(low, high) {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const margin = 0.03 * (high - low);
  const numbers = [];
  for (let i = Math.ceil((low + margin) / step); i * step <= high - margin; i++) numbers.push(Number((i * step).toPrecision(6)));
  return numbers;
}

/** Say a value in words. */
export function sayValue(value, kind) {
  if (!isValid(value, kind)) return "no value";
  if (kind === "relative") return `${value.toPrecision(4)} (relative)`;
  return `${value.toFixed(value < 10 ? 3 : 2)} m`;
}
