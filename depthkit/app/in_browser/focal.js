// The focal length of an image, and what the metres do with it: the rules of `depthkit/apis/focal.py`.

const PLAUSIBLE = [0.1, 100]; // [longest sides of the image]
const FILM_DIAGONAL = Math.hypot(36, 24); // [mm]
const MILLIMETRES = { 2: 25.4, 3: 10, 4: 1, 5: 0.001 }; // of EXIF's units of length
const ASPECT_TOLERANCE = 0.02;
const NYU = { focal: 518.85790117450188, side: 640 }; // [px], the camera of NYU Depth V2
const TAGS = { exif: 0x8769, film: 0xa405, focal: 0x920a, density: 0xa20e, unit: 0xa210, width: 0xa002, height: 0xa003 };

/**
 * Read the focal length [px] of a JPEG file from its EXIF; null where that is missing, impossible, or of another file.
 *
 * @param {ArrayBuffer} content of the file
 */
export function exifFocal(content, { width, height }) {
  const exif = readExif(new DataView(content));
  const [long, short] = [Math.max(width, height), Math.min(width, height)];
  let stated = long;
  if (exif.width && exif.height) {
    stated = Math.max(exif.width, exif.height);
    if (Math.abs(stated / Math.min(exif.width, exif.height) / (long / short) - 1) > ASPECT_TOLERANCE) return null;
  }
  let focal = null;
  if (exif.film) focal = (exif.film * Math.hypot(width, height)) / FILM_DIAGONAL;
  else if (exif.focal && exif.density) {
    focal = (((exif.focal * exif.density) / (MILLIMETRES[exif.unit] ?? MILLIMETRES[2])) * long) / stated;
  }
  return focal !== null && isPlausible(focal, long) ? focal : null;
}

/**
 * Choose the focal length: the given one, else that of EXIF, else that of the camera that the model imagines.
 *
 * @param {number|null} given [px]
 * @param {number|null} exif [px]
 * @param {number|null} canonical the model's [px], at the size of its input; null: its metres do not follow the camera
 * @param {number} scale width of the input as a fraction of the image's
 * @returns {{focal: object|null, ofPoints: number, factor: number}} as the page shows it; [px]; of the metres
 * @throws {Error} the given one is impossible
 */
export function chooseFocal(given, exif, canonical, scale, { width, height }) {
  const longest = Math.max(width, height);
  if (given !== null && !isPlausible(given, longest)) {
    throw new Error(
      `a focal length of ${given} px is impossible for ${width}x${height} px; give ${PLAUSIBLE[0] * longest} to ${PLAUSIBLE[1] * longest}, in pixels and not in millimetres`,
    );
  }
  const follows = canonical !== null;
  const pixels = given ?? exif ?? (follows ? canonical / scale : null);
  if (pixels === null) return { focal: null, ofPoints: (NYU.focal / NYU.side) * longest, factor: 1 };
  const focal = {
    pixels,
    source: given !== null ? "given" : exif !== null ? "exif" : "assumed",
    metres_follow: follows,
    field_of_view: (360 / Math.PI) * Math.atan(longest / 2 / pixels),
  };
  return { focal, ofPoints: pixels, factor: follows ? (pixels * scale) / canonical : 1 };
}

const isPlausible = (focal, longest) => PLAUSIBLE[0] <= focal / longest && focal / longest <= PLAUSIBLE[1];

/** Return the numbers of `TAGS` that a JPEG file has; none of a damaged one. */
function readExif(view) {
  try {
    const begin = findTiff(view);
    if (begin === null) return {};
    const little = view.getUint16(begin) === 0x4949;
    const first = readTags(view, begin, view.getUint32(begin + 4, little), little);
    return first.exif ? readTags(view, begin, first.exif, little) : {};
  } catch (error) {
    if (error instanceof RangeError) return {}; // it ends too early
    throw error;
  }
}

function findTiff(view) {
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; view.getUint8(at) === 0xff && view.getUint8(at + 1) !== 0xda; at += 2 + view.getUint16(at + 2)) {
    if (view.getUint8(at + 1) === 0xe1 && view.getUint32(at + 4) === 0x45786966) return at + 10; // "Exif"
  }
  return null;
}

function readTags(view, begin, offset, little) {
  const found = {};
  const count = view.getUint16(begin + offset, little);
  for (let i = 0; i < count; i++) {
    const entry = begin + offset + 2 + 12 * i;
    const tag = view.getUint16(entry, little);
    const name = Object.keys(TAGS).find((one) => TAGS[one] === tag);
    if (name) found[name] = readNumber(view, begin, entry, little);
  }
  return found;
}

/** Return the number of an entry; 0, which means "unknown", of another type. */
function readNumber(view, begin, entry, little) {
  const type = view.getUint16(entry + 2, little);
  if (type === 3) return view.getUint16(entry + 8, little);
  if (type === 4) return view.getUint32(entry + 8, little);
  const at = begin + view.getUint32(entry + 8, little);
  if (type === 12) return view.getFloat64(at, little);
  if (type !== 5) return 0;
  const bottom = view.getUint32(at + 4, little);
  return bottom ? view.getUint32(at, little) / bottom : 0;
}
