// The page: takes an image, asks for its depth, and shows what comes.

import {
  absent, accepts, forget, listFiles, loadExamples, loadModels, loadState, predict, predictVideo, privacy,
} from "./backend.js";
import { Comparison } from "./comparison.js";
import { showCost, showVideoCost } from "./cost.js";

const byId = (id) => document.getElementById(id);
const FILES = {
  colored: "Depth in colour",
  depth: "Depth, 16 bits, millimetres",
  disparity: "Disparity, 16 bits",
  npy: "All values, float32",
  side_by_side: "Image beside depth",
  normals: "Normals in colour",
  points: "Points in 3D",
  points_glb: "Points in 3D",
  mesh: "Surface in 3D",
};

const isNarrow = () => matchMedia("(max-width: 820px)").matches;
const comparison = new Comparison();
let sceneView = null; // made when somebody looks at it: three.js is half a megabyte
let source = null; // the file that is shown, and its name
let shown = null;
let running = null;
let sceneIsCurrent = false;
let limits = null;

async function start() {
  byId("privacy").textContent = privacy;
  byId("accepted").textContent = accepts.words;
  byId("file").accept = accepts.types;
  for (const id of absent) byId(id).hidden = true;
  listenToFiles();
  listenToOptions();
  listenToTabs();
  byId("more").open = !isNarrow();
  addEventListener("pagehide", () => shown && forget(shown));
  try {
    const [models, examples] = await Promise.all([loadModels(), loadExamples()]);
    byId("model").replaceChildren(...models.map(({ name }) => new Option(name)));
    models.forEach((model, i) => (byId("model").options[i].dataset.note = note(model)));
    noteModel();
    byId("examples").replaceChildren(...examples.map(exampleButton));
    await watchState();
  } catch (error) {
    showProblem(error.message);
  }
}

async function watchState() {
  for (;;) {
    limits = await loadState();
    byId("footer").textContent = `depthkit ${limits.version}. Images of up to ${Math.floor(limits.most_pixels / 1e6)} megapixels and ${Math.floor(limits.most_bytes / 2 ** 20)} MiB.${limits.most_seconds ? ` Of videos the first ${limits.most_seconds} s.` : ""}`;
    byId("state").textContent = limits.ready ? "Ready" : "Loading the model …";
    if (limits.ready) return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

function exampleButton({ title, url, licence }) {
  const image = Object.assign(new Image(), { src: `.${url}`, alt: title, title: `${title} (${licence})` });
  const button = Object.assign(document.createElement("button"), { type: "button" });
  button.append(image);
  button.addEventListener("click", async () => {
    const file = await (await fetch(`.${url}`)).blob();
    take(file, url.split("/").pop());
  });
  const item = document.createElement("li");
  item.append(button);
  return item;
}

function listenToFiles() {
  byId("file").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) take(file, file.name);
    event.target.value = "";
  });
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dragging");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    const [file] = event.dataTransfer.files;
    if (file) take(file, file.name);
    else showProblem("what was dropped is not a file; drop an image");
  });
  addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (file) take(file, file.name || "pasted.png");
  });
}

function listenToOptions() {
  const [select, rate] = [byId("select-tokens"), byId("keep-rate")];
  const again = () => source && run();
  byId("options").addEventListener("submit", (event) => event.preventDefault());
  byId("model").addEventListener("change", () => (noteModel(), again()));
  byId("focal").addEventListener("change", again);
  rate.addEventListener("input", () => (byId("keep-rate-value").textContent = `${rate.value} %`));
  rate.addEventListener("change", again);
  select.addEventListener("change", () => {
    rate.disabled = !select.checked;
    again();
  });
}

function note({ gives, licence }) {
  return `Gives ${gives}. ${licence ? `Licence of the weights: ${licence}.` : ""}`;
}

function noteModel() {
  byId("model-note").textContent = byId("model").selectedOptions[0]?.dataset.note ?? "";
}

function listenToTabs() {
  const tabs = [byId("tab-compare"), byId("tab-scene")];
  const choose = (chosen) => {
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", tab === chosen);
      tab.tabIndex = tab === chosen ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
    }
    byId("probe").hidden = chosen !== tabs[0];
    if (chosen === tabs[1]) showScene();
  };
  for (const tab of tabs) {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = tabs[1 - tabs.indexOf(tab)];
      other.focus();
      choose(other);
    });
  }
  byId("reset-view").addEventListener("click", () => sceneView?.reset());
  for (const input of document.querySelectorAll("[name=form]")) {
    input.addEventListener("change", () => {
      sceneIsCurrent = false;
      showScene(false);
    });
  }
}

async function showScene(fromCamera = true) {
  if (byId("scene").hidden || !shown?.image || sceneIsCurrent) return;
  try {
    if (!sceneView) {
      const { SceneView } = await import("./scene.js");
      sceneView = new SceneView(byId("scene-canvas"));
    }
    sceneView.show(shown, document.querySelector("[name=form]:checked").value);
    if (fromCamera) sceneView.reset();
    sceneIsCurrent = true;
    byId("scene-canvas").dataset.drawn = shown.answer.id;
  } catch (error) {
    showProblem(error.message);
  }
}

function take(file, name) {
  if (limits && file.size > limits.most_bytes) {
    showProblem(`${name}: has ${(file.size / 2 ** 20).toFixed(0)} MiB; this page takes ${limits.most_bytes / 2 ** 20} at most, make it smaller`);
    return;
  }
  source = { file, name: name.slice(-100) };
  run();
}

async function run() {
  running?.abort();
  const mine = (running = new AbortController());
  const focal = byId("focal").valueAsNumber;
  const options = {
    name: source.name,
    model: byId("model").value,
    keepRate: byId("select-tokens").checked ? Number(byId("keep-rate").value) / 100 : null,
    focal: Number.isNaN(focal) ? null : focal,
  };
  byId("problem").hidden = true; // it was about what came before
  work(`${source.name} …`);
  try {
    const onFrames = (frames, inAll) =>
      mine === running && work(`${source.name}: ${frames}${inAll ? ` of ${inAll}` : ""} frames …`);
    const prediction = isVideo(source)
      ? await predictVideo(source.file, options, mine.signal, onFrames)
      : await predict(source.file, options, mine.signal);
    if (mine !== running) return;
    byId("state").textContent = "Ready";
    show(prediction);
  } catch (error) {
    if (error.name !== "AbortError" && mine === running) showProblem(error.message);
  } finally {
    if (mine === running) work(null);
  }
}

function work(text) {
  byId("working").hidden = text === null;
  byId("working-text").textContent = text ?? "";
  byId("result").setAttribute("aria-busy", text !== null);
}

const isVideo = ({ file, name }) => file.type.startsWith("video/") || /\.(mp4|mov|mkv|webm|avi|m4v|mpe?g)$/i.test(name);

function show(prediction) {
  if (shown) forget(shown);
  shown = prediction;
  sceneIsCurrent = false;
  byId("problem").hidden = true;
  byId("empty").hidden = true;
  byId("shown").hidden = false;
  const clip = byId("clip");
  const chosen = document.querySelector("[role=tab][aria-selected=true]").getAttribute("aria-controls");
  URL.revokeObjectURL(clip.src);
  clip.hidden = !prediction.video;
  for (const id of ["views", chosen]) byId(id).hidden = !clip.hidden;
  if (prediction.video) {
    clip.src = URL.createObjectURL(prediction.video);
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) clip.play().catch(() => {});
    showVideoCost(byId("cost"), prediction.answer);
  } else {
    clip.removeAttribute("src");
    comparison.show(prediction);
    showScene();
    showCost(byId("cost"), prediction.answer);
  }
  byId("warnings").replaceChildren(
    ...prediction.answer.warnings.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );
  byId("files").replaceChildren(...listFiles(prediction).map(fileLink));
  byId("shown").dataset.result = prediction.answer.id;
  if (isNarrow()) byId("result").scrollIntoView({ block: "start" });
}

function fileLink({ kind, url, name }) {
  const link = Object.assign(document.createElement("a"), { href: url, download: name, textContent: FILES[kind] ?? kind });
  const format = name.split(".").pop().toUpperCase();
  link.append(Object.assign(document.createElement("span"), { textContent: format }));
  const item = document.createElement("li");
  item.append(link);
  return item;
}

function showProblem(sentence) {
  byId("problem").textContent = sentence;
  byId("problem").hidden = false;
  byId("problem").scrollIntoView({ block: "nearest" });
}

start();
