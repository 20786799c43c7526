// The scene in 3D: a surface or points, seen from the camera and turned around.

import {
  BufferAttribute, BufferGeometry, CanvasTexture, DoubleSide, Mesh, MeshBasicMaterial, OrbitControls, PerspectiveCamera,
  Points, PointsMaterial, Scene, SRGBColorSpace, WebGLRenderer,
} from "./vendor/three.min.js";
import { isValid } from "./colors.js";

const MOST_VERTICES = 160_000;
const TEXTURE_SIDE = 1024; // [px]
// Change of depth, in depths, for each radian that the ray turns: beyond it the ray meets the surface at less than 6
// degrees, which is an edge of depth. As depthkit/visualization/point_cloud.py has it for the files.
const STEEPEST = 1 / Math.tan((6 * Math.PI) / 180);
const FARTHEST = 20; // times the median: sky of a relative result

export class SceneView {
  #canvas;
  #renderer = null;
  #camera = new PerspectiveCamera(50, 1, 0.01, 1000);
  #scene = new Scene();
  #controls = null;
  #median = 1;
  #view = [1, 1]; // tangents of half the angles across and up
  #waiting = false;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#draw()).observe(canvas);
    canvas.addEventListener("keydown", (event) => this.#turnByKey(event));
  }

  /**
   * Build the scene of a prediction.
   *
   * @throws {Error} the browser has no WebGL
   */
  show(prediction, form) {
    this.#start();
    this.#clear();
    const grid = unproject(prediction);
    this.#median = grid.median;
    const object = form === "points" ? makePoints(grid, prediction.image) : makeSurface(grid, prediction.image);
    this.#scene.add(object);
    this.#view = grid.view;
  }

  /** Look from where the camera was, a little from above and aside, so that depth is seen. */
  reset() {
    const [middle, up] = [this.#median, 0.16 * this.#median];
    this.#camera.near = middle / 200;
    this.#camera.far = middle * 200;
    this.#camera.position.set(0.22 * middle, up, 0.12 * middle);
    this.#controls.target.set(0, 0, -middle);
    this.#controls.update();
    this.#draw();
  }

  #start() {
    if (this.#renderer) return;
    try {
      this.#renderer = new WebGLRenderer({ canvas: this.#canvas, antialias: true, preserveDrawingBuffer: true });
    } catch {
      throw new Error("this browser has no WebGL, so the scene cannot be drawn in 3D; the rest of the page works");
    }
    this.#renderer.setPixelRatio(Math.min(2, devicePixelRatio));
    this.#renderer.setClearColor(0x10141a);
    this.#controls = new OrbitControls(this.#camera, this.#canvas);
    this.#controls.rotateSpeed = 0.5; // a surface seen from one side: a short drag must not show its back
    this.#controls.addEventListener("change", () => this.#draw());
  }

  #clear() {
    for (const object of [...this.#scene.children]) {
      this.#scene.remove(object);
      object.geometry.dispose();
      object.material.map?.dispose();
      object.material.dispose();
    }
  }

  #draw() {
    if (!this.#renderer || this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      const { clientWidth: width, clientHeight: height } = this.#canvas;
      if (!width || !height) return;
      this.#renderer.setSize(width, height, false);
      this.#camera.aspect = width / height;
      const up = Math.max(this.#view[1], this.#view[0] / this.#camera.aspect); // all of the image is seen
      this.#camera.fov = Math.min(100, (360 / Math.PI) * Math.atan(1.08 * up));
      this.#camera.updateProjectionMatrix();
      this.#renderer.render(this.#scene, this.#camera);
    });
  }

  #turnByKey(event) {
    if (!this.#controls) return;
    const turn = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const zoom = { "+": 0.9, "=": 0.9, "-": 1 / 0.9 }[event.key];
    if (!turn && !zoom) return;
    event.preventDefault();
    const offset = this.#camera.position.clone().sub(this.#controls.target);
    if (zoom) offset.multiplyScalar(zoom);
    if (turn) {
      const radius = offset.length();
      const height = Math.min(1.4, Math.max(-1.4, Math.asin(offset.y / radius) + 0.08 * turn[1]));
      const angle = Math.atan2(offset.x, offset.z) + 0.08 * turn[0];
      offset.set(Math.sin(angle) * Math.cos(height), Math.sin(height), Math.cos(angle) * Math.cos(height));
      offset.multiplyScalar(radius);
    }
    this.#camera.position.copy(this.#controls.target).add(offset);
    this.#controls.update();
    this.#draw();
  }
}

/** Turn a map into points on a grid: x right, y up, z towards the viewer. */
function unproject({ answer, values }) {
  const { width, height, kind, camera } = answer;
  const { fx, fy, cx, cy } = camera;
  const step = Math.max(1, Math.ceil(Math.sqrt((width * height) / MOST_VERTICES)));
  const [columns, rows] = [Math.ceil(width / step), Math.ceil(height / step)];
  const depth = new Float32Array(columns * rows);
  const flying = new Uint8Array(columns * rows);
  const inverse = kind === "relative";
  const depthAt = (x, y) => {
    const value = values[y * width + x];
    return isValid(value, kind) && value > 0 ? (inverse ? 1 / value : value) : 0;
  };
  const isSteep = (a, b, focal) => a > 0 && b > 0 && Math.abs(a - b) * focal > STEEPEST * Math.min(a, b);
  for (let y = 0, i = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++, i++) {
      const [u, v] = [x * step, y * step];
      const here = (depth[i] = depthAt(u, v));
      const across = u > 0 && u + 1 < width && isSteep(here, depthAt(u - 1, v), fx) && isSteep(here, depthAt(u + 1, v), fx);
      const down = v > 0 && v + 1 < height && isSteep(here, depthAt(u, v - 1), fy) && isSteep(here, depthAt(u, v + 1), fy);
      flying[i] = across || down;
    }
  }
  const sorted = depth.filter((one) => one > 0).sort();
  const median = sorted[sorted.length >> 1] ?? 1;
  const positions = new Float32Array(3 * depth.length);
  const uv = new Float32Array(2 * depth.length);
  for (let y = 0, i = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++, i++) {
      if (inverse && depth[i] > FARTHEST * median) depth[i] = 0;
      positions[3 * i] = ((x * step - cx) * depth[i]) / fx;
      positions[3 * i + 1] = (-(y * step - cy) * depth[i]) / fy;
      positions[3 * i + 2] = -depth[i];
      uv[2 * i] = (x * step + 0.5) / width;
      uv[2 * i + 1] = 1 - (y * step + 0.5) / height;
    }
  }
  const view = [Math.max(cx, width - cx) / fx, Math.max(cy, height - cy) / fy];
  return { columns, rows, depth, flying, positions, uv, median, view, focal: Math.min(fx, fy) / step };
}

function makeSurface({ columns, rows, depth, positions, uv, focal }, image) {
  const index = [];
  const add = (a, b, c) => {
    const near = Math.min(depth[a], depth[b], depth[c]);
    const far = Math.max(depth[a], depth[b], depth[c]);
    if (near > 0 && (far - near) * focal <= STEEPEST * near) index.push(a, b, c);
  };
  for (let y = 0; y + 1 < rows; y++) {
    for (let x = 0; x + 1 < columns; x++) {
      const corner = y * columns + x;
      add(corner, corner + columns, corner + 1);
      add(corner + 1, corner + columns, corner + columns + 1);
    }
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(positions, 3));
  geometry.setAttribute("uv", new BufferAttribute(uv, 2));
  geometry.setIndex(new BufferAttribute(Uint32Array.from(index), 1));
  const map = new CanvasTexture(shrink(image, TEXTURE_SIDE));
  map.colorSpace = SRGBColorSpace;
  return new Mesh(geometry, new MeshBasicMaterial({ map, side: DoubleSide }));
}

function makePoints({ columns, rows, depth, flying, positions, median }, image) {
  const canvas = shrink(image, Infinity, columns, rows);
  const pixels = canvas.getContext("2d").getImageData(0, 0, columns, rows).data;
  const kept = depth.reduce((list, one, i) => (one > 0 && !flying[i] && list.push(i), list), []);
  const place = new Float32Array(3 * kept.length);
  const color = new Uint8Array(3 * kept.length);
  kept.forEach((from, to) => {
    place.set(positions.subarray(3 * from, 3 * from + 3), 3 * to);
    color.set(pixels.subarray(4 * from, 4 * from + 3), 3 * to);
  });
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(place, 3));
  geometry.setAttribute("color", new BufferAttribute(linear(color), 3));
  return new Points(geometry, new PointsMaterial({ vertexColors: true, size: 0.006 * median }));
}

/** Turn sRGB bytes into the linear numbers that three.js mixes. */
function linear(bytes) {
  const table = Float32Array.from({ length: 256 }, (_, i) => {
    const s = i / 255;
    return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  });
  return Float32Array.from(bytes, (byte) => table[byte]);
}

function shrink(image, side, width, height) {
  const scale = Math.min(1, side / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = width ?? Math.max(1, Math.round(image.width * scale));
  canvas.height = height ?? Math.max(1, Math.round(image.height * scale));
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}
