// The image and its depth in one place: a divider between them, the value under the cursor, the attended tokens.

import { paintPalette, paintValues, sayValue } from "./colors.js";

const LARGEST = 1600; // [px] of a canvas; a larger map is thinned out on the screen, not in what is read
const ASIDE = 30; // [px] from the cross to the end of what stands beside it
const SKIPPED = "rgba(9, 12, 17, 0.78)";
const byId = (id) => document.getElementById(id);

export class Comparison {
  #shown = null;
  #place = null; // of the cross: column and row of the map
  #split = 50; // [%]

  constructor() {
    this.stage = byId("stage");
    byId("split").addEventListener("input", (event) => this.#moveDivider(Number(event.target.value)));
    const divider = byId("divider");
    divider.addEventListener("pointerdown", (event) => {
      divider.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    divider.addEventListener("pointermove", (event) => {
      if (!divider.hasPointerCapture(event.pointerId)) return;
      const box = this.stage.getBoundingClientRect();
      this.#moveDivider(Math.min(100, Math.max(0, (100 * (event.clientX - box.left)) / box.width)));
      event.stopPropagation();
    });
    for (const kind of ["pointermove", "pointerdown"]) {
      this.stage.addEventListener(kind, (event) => this.#probeAt(event));
    }
    this.stage.addEventListener("keydown", (event) => this.#probeByKey(event));
    addEventListener("resize", () => this.#fit());
  }

  /** Show a prediction: its answer, its values and its image. */
  show(prediction) {
    this.#shown = prediction;
    const { answer, values, image } = prediction;
    const scale = Math.min(1, LARGEST / Math.max(answer.width, answer.height));
    for (const id of ["image", "depth"]) {
      byId(id).width = Math.max(1, Math.round(answer.width * scale));
      byId(id).height = Math.max(1, Math.round(answer.height * scale));
    }
    byId("image").getContext("2d").drawImage(image, 0, 0, byId("image").width, byId("image").height);
    paintValues(byId("depth"), values, answer);
    byId("ticks").replaceChildren(...paintPalette(byId("palette"), answer).map(tick));
    this.#offerLayers(answer.tokens);
    this.#fit();
    this.#moveDivider(this.#split);
    this.#probe(Math.floor(0.62 * answer.width), Math.floor(answer.height / 2));
  }

  /** Give the stage the image's shape, as large as there is room for. */
  #fit() {
    if (!this.#shown) return;
    const { width, height } = this.#shown.answer;
    const room = this.stage.parentElement.clientWidth;
    const wide = Math.min(room, (Math.max(260, innerHeight * 0.66) * width) / height);
    this.stage.style.width = `${wide}px`;
    this.stage.style.height = `${Math.max(24, (wide * height) / width)}px`;
    if (this.#place) this.#probe(...this.#place);
  }

  #moveDivider(percent) {
    this.#split = percent;
    byId("divider").style.left = `${percent}%`;
    byId("depth").style.clipPath = `inset(0 0 0 ${percent}%)`;
    byId("split").value = percent;
  }

  #probeAt(event) {
    if (!this.#shown) return;
    const { width, height } = this.#shown.answer;
    const box = this.stage.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) * width) / box.width);
    const row = Math.floor(((event.clientY - box.top) * height) / box.height);
    this.#probe(column, row);
  }

  #probeByKey(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step || !this.#place) return;
    const { width, height } = this.#shown.answer;
    const far = event.shiftKey ? 1 : Math.max(1, Math.round(Math.max(width, height) / 100));
    this.#probe(this.#place[0] + step[0] * far, this.#place[1] + step[1] * far);
    event.preventDefault();
  }

  #probe(column, row) {
    const { answer, values } = this.#shown;
    column = Math.min(answer.width - 1, Math.max(0, column));
    row = Math.min(answer.height - 1, Math.max(0, row));
    this.#place = [column, row];
    const value = values[row * answer.width + column];
    const said = sayValue(value, answer.kind);
    const probe = byId("probe");
    probe.dataset.value = value; // exactly the map's: a float32 as a number of 64 bits
    probe.dataset.column = column;
    probe.dataset.row = row;
    probe.replaceChildren(said, element("span", `column ${column}, row ${row}`));
    const cross = byId("cross");
    cross.hidden = false;
    cross.style.left = `${(100 * (column + 0.5)) / answer.width}%`;
    cross.style.top = `${(100 * (row + 0.5)) / answer.height}%`;
    cross.firstElementChild.textContent = said;
    const room = this.stage.clientWidth * (1 - (column + 0.5) / answer.width);
    cross.classList.toggle("left", room < cross.firstElementChild.offsetWidth + ASIDE);
  }

  #offerLayers(tokens) {
    byId("layers").hidden = tokens.length === 0;
    const before = document.querySelector("#layer-choices :checked")?.value;
    const choices = [{ layer: 0, name: "off" }, ...tokens.map(({ layer }) => ({ layer, name: `layer ${layer}` }))];
    const labels = choices.map(({ layer, name }) => {
      const input = Object.assign(document.createElement("input"), { type: "radio", name: "layer", value: layer });
      input.checked = String(layer) === (before ?? "0");
      input.addEventListener("change", () => this.#drawTokens(layer));
      const label = element("label", name);
      label.prepend(input);
      return label;
    });
    byId("layer-choices").replaceChildren(...labels);
    const chosen = document.querySelector("#layer-choices :checked") ?? labels[0].firstElementChild;
    chosen.checked = true;
    this.#drawTokens(Number(chosen.value));
  }

  #drawTokens(layer) {
    const { answer } = this.#shown;
    const canvas = byId("tokens");
    canvas.width = byId("image").width;
    canvas.height = byId("image").height;
    const context = canvas.getContext("2d");
    const tokens = answer.tokens.find((one) => one.layer === layer);
    byId("layer-note").textContent = tokens ? describe(tokens) : "Choose a layer to see which patches went through it.";
    if (!tokens) return;
    context.fillStyle = SKIPPED;
    const cell = [
      (canvas.width * tokens.covers[1]) / tokens.rows[0].length,
      (canvas.height * tokens.covers[0]) / tokens.rows.length,
    ];
    tokens.rows.forEach((row, y) => {
      const [top, bottom] = [Math.round(y * cell[1]), Math.round((y + 1) * cell[1])];
      for (let x = 0; x < row.length; x++) {
        if (row[x] === "1") continue;
        const [left, right] = [Math.round(x * cell[0]), Math.round((x + 1) * cell[0])];
        context.fillRect(left, top, right - left, bottom - top);
      }
    });
  }
}

function describe({ layer, heads, fraction, rows }) {
  const patches = rows.length * rows[0].length;
  const attended = Math.round(fraction * patches);
  const sets = heads > 1 ? `in any of ${heads} heads` : "the same in all heads";
  return `Layer ${layer}: ${attended} of ${patches} patches attended, ${sets}; the dark ones skipped it.`;
}

function tick({ text, place, isEnd }) {
  const said = element("span", text);
  said.style.left = `${place}%`;
  if (isEnd) said.dataset.end = "";
  return said;
}

function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: text });
}
