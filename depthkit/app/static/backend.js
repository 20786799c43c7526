// What the page asks for depth: the web service that it came from.

export const privacy =
  "It goes to the computer that runs depthkit, stays in its memory for a while, and is not kept. Videos and files to download lie in its temporary folder while they are made.";
export const accepts = {
  words: "an image or video",
  types: "image/*,video/*,.mkv,.tif,.tiff,.jp2,.avif,.heic,.pgm,.ppm",
};
export const absent = []; // ids of what the page has and this backend cannot do

export const loadState = () => getJson("./api/state");
export const loadModels = () => getJson("./api/models");
export const loadExamples = () => getJson("./api/examples");

/**
 * Predict the depth of an image file.
 *
 * @param {Blob} file
 * @param {{name: string, model: string, keepRate: number|null, focal: number|null}} options
 * @param {AbortSignal} signal
 * @returns {Promise<{answer: object, values: Float32Array, image: ImageBitmap}>}
 */
export async function predict(file, options, signal) {
  const answer = await (await post("depth", file, options, signal)).json();
  const [values, image] = await Promise.all([
    ask(`.${answer.values}`, { signal }).then((response) => response.arrayBuffer()),
    ask(`.${answer.image}`, { signal }).then((response) => response.blob()).then((blob) => createImageBitmap(blob)),
  ]);
  return { answer, values: new Float32Array(values), image };
}

/**
 * Predict the depth of a video file; see `predict`.
 *
 * @param {(frames: number, inAll: number|null) => void} onFrames told how many frames are done, of how many
 * @returns {Promise<{answer: object, video: Blob}>}
 */
export async function predictVideo(file, options, signal, onFrames) {
  const watch = setInterval(async () => {
    const { frames, frames_in_all: inAll } = await loadState().catch(() => ({ frames: null }));
    if (frames) onFrames(frames, inAll);
  }, 1000);
  try {
    const answer = await (await post("video", file, options, signal)).json();
    const video = await (await ask(`.${answer.files.side_by_side.url}`, { signal })).blob();
    return { answer, video };
  } finally {
    clearInterval(watch);
  }
}

/** The files of a result: what they are, and where. */
export function listFiles({ answer }) {
  return Object.entries(answer.files).map(([kind, { name, url }]) => ({ kind, name, url: `.${url}` }));
}

/** Let the service forget a result that is not shown any more. */
export function forget({ answer }) {
  fetch(`./api/results/${answer.id}`, { method: "DELETE", keepalive: true }).catch(() => {});
}

async function post(address, file, options, signal) {
  const query = new URLSearchParams({ name: options.name, model: options.model });
  if (options.keepRate !== null) query.set("keep_rate", options.keepRate);
  if (options.focal !== null) query.set("focal", options.focal);
  const headers = { "Content-Type": "application/octet-stream" };
  return ask(`./api/${address}?${query}`, { method: "POST", body: file, headers, signal });
}

async function getJson(url) {
  return (await ask(url)).json();
}

async function ask(url, options = {}) {
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("depthkit does not answer; is it still running where it was started?");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Error(problem.detail ?? `depthkit answered with status ${response.status}; send the file again`);
}
