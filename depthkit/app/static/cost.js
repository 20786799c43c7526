// What a result took, beside the model with all its tokens.

/** Fill a list of terms. */
export function showCost(list, answer) {
  const { cost, focal, model, width, height } = answer;
  const rows = [["Image", answer.name]];
  rows.push(["Model", answer.keep_rate === null ? model : `${model}, keep rate ${Math.round(100 * answer.keep_rate)} %`]);
  rows.push(["Time", compare(cost.model.seconds, cost.dense?.seconds, sayTime)]);
  if (cost.model.macs !== null) rows.push(["MACs", compare(cost.model.macs, cost.dense?.macs, sayCount)]);
  rows.push(["Input", `${cost.input_width} × ${cost.input_height} px of ${width} × ${height}, on ${cost.device}, ${cost.runtime}`]);
  if (focal) {
    const source = { given: "given", exif: "from EXIF", assumed: "assumed" }[focal.source];
    const used = focal.metres_follow || answer.kind === "relative" ? "" : ", not used for the metres";
    rows.push(["Focal length", `${focal.pixels.toPrecision(4)} px, ${source}${used} (view of ${focal.field_of_view.toFixed(0)}°)`]);
  }
  fill(list, rows);
}

function fill(list, rows) {
  list.replaceChildren(
    ...rows.flatMap(([term, said]) => {
      const description = document.createElement("dd");
      description.append(...[said].flat());
      return [Object.assign(document.createElement("dt"), { textContent: term }), description];
    }),
  );
}

/** Fill a list of terms for a video. */
export function showVideoCost(list, answer) {
  const { frames, seconds, low, high, kind } = answer;
  fill(list, [
    ["Model", answer.model],
    ["Frames", `${frames}, ${seconds.toFixed(1)} s`],
    ["Time", `${sayTime(answer.seconds_per_frame)} a frame in ${answer.runtime}, decoding and encoding included`],
    ["Colours", kind === "metric" ? `${low} to ${high} m, the same in all frames` : "the same in all frames"],
  ]);
}

/** Say a number, and with the dense model's beside it as bars. */
function compare(own, dense, say) {
  if (dense === undefined) return say(own);
  const most = Math.max(own, dense);
  const change = Math.round(100 * (own / dense - 1));
  return [
    `${say(own)} (${change > 0 ? "+" : "\u2212"}${Math.abs(change)} %)`,
    bar(own / most),
    Object.assign(document.createElement("span"), { className: "dense", textContent: `${say(dense)} with all tokens` }),
    bar(dense / most),
  ];
}

function bar(fraction) {
  const meter = document.createElement("meter");
  meter.value = fraction;
  meter.setAttribute("aria-hidden", "true");
  return meter;
}

const sayTime = (seconds) => (seconds < 1 ? `${(1000 * seconds).toFixed(0)} ms` : `${seconds.toFixed(2)} s`);
const sayCount = (macs) => `${(macs / 1e9).toFixed(2)} G`;
