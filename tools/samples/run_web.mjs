// Run a depth model that `depthkit export` wrote as ONNX by onnxruntime-web (WebAssembly), as a browser does:
//   npm install onnxruntime-web && node run_web.mjs depth.onnx images.float32 1x3x224x304 depth.float32
// images.float32 holds RGB from 0 to 255, float32, little endian, in the order (batch, 3, height, width).

import { readFile, writeFile } from "node:fs/promises";

const [model, input, shape, output, runtime = "onnxruntime-web/wasm"] = process.argv.slice(2);
const ort = await import(runtime);
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";
const session = await ort.InferenceSession.create(new Uint8Array(await readFile(model)), { executionProviders: ["wasm"] });
const bytes = await readFile(input);
const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
if (values.every((value) => value <= 1) && values.some((value) => value > 0)) throw new Error("images are from 0 to 1; expected 0 to 255");
const images = new ort.Tensor("float32", values, shape.split("x").map(Number));
const { depth } = await session.run({ images });
const found = await depth.getData();
await writeFile(output, new Uint8Array(found.buffer, found.byteOffset, found.byteLength));
console.log(depth.dims.join("x"));
