// What the page asks for depth where there is no server: the model itself, in this browser. `depthkit static-page` puts
// this file in the place of the other backend.js.

import * as ort from "./vendor/onnxruntime.js";
import { readableRange } from "./color_range.js";
import { paintValues } from "./colors.js";
import { chooseFocal, exifFocal } from "./focal.js";
import { enlarge, layOut, resizeImage, targetSize } from "./network_input.js";

export const privacy = "It stays in this browser: the depth is computed on your own machine, and nothing is sent.";
export const accepts = { words: "an image", types: "image/*" };
export const absent = ["selection", "to-service"];

const LIMITS = { most_bytes: 64 * 2 ** 20, most_pixels: 2 ** 24 }; // of pixels: what every browser's canvas can hold
const settings = ask("./model.json").then((response) => response.json());
let session = null;
let before = Promise.resolve(); // one image at a time
let count = 0;

export async function loadState() {
  const { version } = await settings;
  const ready = session !== null;
  session ??= await loadSession();
  return { version, ready, ...LIMITS };
}

export const loadModels = async () => [(await settings).model];
export const loadExamples = async () => (await settings).examples;

/** Predict the depth of an image file; as the service's `predict`. */
export function predict(file, options, signal) {
  const mine = before.then(() => predictNow(file, options, signal));
  before = mine.catch(() => {});
  return mine;
}

export async function predictVideo(file, { name }) {
  throw new Error(`${name}: is a video, which this page cannot read; give an image, or run \`depthkit serve\``);
}

export const listFiles = ({ answer }) => answer.files;

export function forget({ answer }) {
  for (const { url } of answer.files) URL.revokeObjectURL(url);
}

async function loadSession() {
  const model = await (await ask("./model.onnx")).arrayBuffer();
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = 1; // more need headers that most servers do not send
  ort.env.wasm.wasmPaths = { wasm: new URL("./vendor/onnxruntime.wasm", import.meta.url).href };
  try {
    return await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  } catch (error) {
    throw new Error(`this browser cannot run the model (${error.message}); try a newer one`);
  }
}

async function predictNow(file, { name, focal: given }, signal) {
  signal.throwIfAborted();
  const known = await settings;
  session ??= await loadSession();
  const image = await decode(file, name);
  const { width, height } = image;
  const seen = targetSize(image, known.input);
  const exif = exifFocal(await file.arrayBuffer(), image);
  const camera = chooseFocal(given, exif, known.canonical_focal, seen.width / width, image);
  const input = layOut(resizeImage(readPixels(image), image, seen), seen, known.input.divisor);
  signal.throwIfAborted();
  const begin = performance.now();
  const { depth } = await session.run({ images: new ort.Tensor("float32", input.data, input.dims) });
  const seconds = (performance.now() - begin) / 1000;
  const values = enlarge(await depth.getData(), input.dims[3], seen, image, camera.factor);
  const limits = known.max_depth === null ? null : [0, known.max_depth * camera.factor];
  const [low, high] = readableRange(values, image, limits);
  const answer = {
    id: `result ${++count}`,
    name,
    kind: "metric",
    width,
    height,
    colors: { low, high, ...known.colors },
    focal: camera.focal,
    camera: { fx: camera.ofPoints, fy: camera.ofPoints, cx: (width - 1) / 2, cy: (height - 1) / 2 },
    warnings: warnings(camera.focal, known),
    model: known.model.name,
    keep_rate: null,
    cost: {
      device: "this machine",
      runtime: "onnxruntime-web",
      input_width: seen.width,
      input_height: seen.height,
      model: { seconds, macs: null },
      dense: null,
    },
    tokens: [],
  };
  answer.files = await makeFiles(values, answer);
  return { answer, values, image };
}

async function decode(file, name) {
  if (!file.size) throw new Error(`${name}: is empty; give an image`);
  let image;
  try {
    image = await createImageBitmap(file, { colorSpaceConversion: "none", imageOrientation: "from-image" });
  } catch {
    throw new Error(`${name}: is not an image that this browser can read; give a JPEG, PNG, WebP or AVIF file`);
  }
  const pixels = image.width * image.height;
  if (pixels <= LIMITS.most_pixels) return image;
  const megapixels = (count) => (count / 1e6).toFixed(1);
  image.close();
  throw new Error(
    `${name}: has ${megapixels(pixels)} megapixels; this page takes ${megapixels(LIMITS.most_pixels)} at most, make it smaller`,
  );
}

/** Return the RGBA bytes of an image, white where it is transparent. */
function readPixels(image) {
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, image.width, image.height);
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height).data;
}

function warnings(focal, { trained_on: trainedOn }) {
  const found = [];
  if (focal?.source === "assumed") {
    found.push(
      "No focal length was found (JPEG files can have one in their EXIF); the metres are those of an assumed one. Twice the focal length is twice the metres.",
    );
  }
  if (trainedOn) found.push(`The model was trained on ${trainedOn}; other images come out wrong.`);
  return found;
}

async function makeFiles(values, answer) {
  const stem = answer.name.replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N}.-]+/gu, "_") || "image";
  const canvas = Object.assign(document.createElement("canvas"), { width: answer.width, height: answer.height });
  paintValues(canvas, values, answer);
  const colored = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const files = { colored: ["colored.png", colored], npy: ["depth.npy", new Blob([npyHeader(answer), values])] };
  return Object.entries(files).map(([kind, [end, blob]]) => ({
    kind,
    name: `${stem}_${end}`,
    url: URL.createObjectURL(blob),
  }));
}

/** Begin a file of NumPy: format 1.0, float32 (H, W). */
function npyHeader({ width, height }) {
  const words = `{'descr': '<f4', 'fortran_order': False, 'shape': (${height}, ${width}), }`;
  const padded = words.padEnd(64 * Math.ceil((words.length + 11) / 64) - 11) + "\n";
  const text = new TextEncoder().encode(padded);
  return Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length & 255, text.length >> 8, ...text);
}

async function ask(address) {
  const response = await fetch(address).catch(() => null);
  if (response?.ok) return response;
  const why = response ? `status ${response.status}` : "no answer";
  throw new Error(`${address.slice(2)}: cannot be had from this site (${why}); load the page again`);
}
