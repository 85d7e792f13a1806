// How a forecast is shown: a chart of each target's history with the forecast and its intervals, and a table.
const SVG = Object.assign(document.createElement("template"), { innerHTML: "<svg></svg>" }).content.firstChild.namespaceURI;
const WIDTH = 420, HEIGHT = 230, LEFT = 52, RIGHT = 8, TOP = 10, BOTTOM = 28;
const DIGITS = 4;
const HISTORY = 3; // lengths of the forecast that are drawn before it

const cellsOf = (text) => String(text ?? "").replace(/[[\]'"]/g, "").split(/[,;\n\t]+/).map((cell) => cell.trim());
const numberOf = (text) => text === "" || !Number.isFinite(Number(text)) ? null : Number(text);
const draw = (tag, attributes, parent, title = "") => {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (title) made.append(Object.assign(document.createElementNS(SVG, "title"), { textContent: title }));
  parent.append(made);
  return made;
};

// About four round values that span the range.
const ticksOf = (low, high) => {
  const rough = (high - low) / 4 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step / 1e6; tick += step) ticks.push(Number(tick.toPrecision(6)));
  return ticks;
};

// history: [{ time, value }]; forecast: [{ time, value, quantiles: [...] }], the quantiles lowest first.
const chartOf = (label, history, forecast) => {
  const svg = document.createElementNS(SVG, "svg");
  const ahead = forecast.map((step) => step.value);
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("class", "chart");
  svg.setAttribute("aria-label", `${label}: history and forecast, from ${format(ahead[0])} to ${format(ahead.at(-1))}`);
  const values = [...history.map((step) => step.value), ...ahead, ...forecast.flatMap((step) => step.quantiles)];
  const known = values.filter((value) => value !== null);
  const low = Math.min(...known), high = Math.max(...known), margin = (high - low || 1) * 0.06;
  const count = history.length + forecast.length;
  const across = (place) => LEFT + (WIDTH - LEFT - RIGHT) * (place + 0.5) / count;
  const up = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low + margin) / (high - low + 2 * margin || 1));
  const text = (words, x, y, anchor) => { draw("text", { x, y, "text-anchor": anchor }, svg).textContent = words; };
  for (const tick of ticksOf(low, high)) {
    draw("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: up(tick), y2: up(tick), class: "grid" }, svg);
    text(format(tick), LEFT - 8, up(tick) + 4, "end");
  }
  const from = history.length;
  for (let outer = 0; outer < forecast[0].quantiles.length / 2 - 0.5; outer += 1) {
    const edge = (place) => forecast.map((step, number) => `${across(from + number)},${up(step.quantiles.at(place))}`);
    draw("polygon", { points: [...edge(outer), ...edge(-1 - outer).reverse()].join(" "), class: "band" }, svg);
  }
  const line = (steps, start, name) => {
    let path = "", pen = "M";
    steps.forEach((step, number) => {
      path += step.value === null ? "" : `${pen}${across(start + number)} ${up(step.value)}`;
      pen = step.value === null ? "M" : "L";
    });
    draw("path", { d: path, class: name }, svg);
  };
  line(history, 0, "past");
  line(forecast, from, "ahead");
  draw("line", { x1: across(from - 0.5), x2: across(from - 0.5), y1: TOP, y2: HEIGHT - BOTTOM, class: "now" }, svg);
  [...history, ...forecast].forEach((step, number) => {
    if (step.value === null) return;
    const range = step.quantiles?.length ? ` (${format(step.quantiles[0])} to ${format(step.quantiles.at(-1))})` : "";
    const hover = `${step.time}: ${format(step.value)}${range}`;
    draw("circle", { cx: across(number), cy: up(step.value), r: 7, class: "hover" }, svg, hover);
  });
  text(history[0]?.time ?? "", LEFT, HEIGHT - 8, "start");
  text(forecast.at(-1).time, WIDTH - RIGHT, HEIGHT - 8, "end");
  return svg;
};

const forecastTable = (label, forecast, names) => {
  const table = element("table");
  table.append(element("caption", label));
  const head = table.createTHead().insertRow();
  for (const name of ["time", "forecast", ...names]) head.append(element("th", name, { scope: "col" }));
  const body = table.createTBody();
  for (const step of forecast) {
    const row = body.insertRow();
    row.append(element("th", step.time, { scope: "row" }));
    for (const value of [step.value, ...step.named]) row.append(element("td", String(Number(value.toPrecision(DIGITS)))));
  }
  const scroller = element("div", "", { className: "steps", tabIndex: 0, role: "region", ariaLabel: label });
  scroller.append(table);
  return scroller;
};

// The elements that show a prediction, given what was sent.
const view = (prediction, sent) => {
  const inputs = Object.entries(settings.inputs);
  const targets = inputs.filter(([, entry]) => entry.kind === "target number");
  const [time] = inputs.find(([, entry]) => entry.kind === "time");
  const short = (text) => text.replace(/T00:00:00$/, "").replace("T", " ");
  const names = Object.keys(prediction).filter((name) => /^p\d+(_\d+)?$/.test(name)).sort();
  const shown = [];
  targets.forEach(([name, entry], place) => {
    const forecast = prediction.times.map((when, step) => {
      const at = step * targets.length + place;
      const named = names.map((quantile) => prediction[quantile][at]);
      return { time: short(when), value: prediction.forecast[at], named, quantiles: [...named].sort((one, other) => one - other) };
    });
    const past = cellsOf(sent[time]), numbers = cellsOf(sent[name]).map(numberOf);
    const history = numbers.map((value, step) => ({ time: short(past[step] ?? ""), value })).slice(-Math.max(14, HISTORY * forecast.length));
    shown.push(chartOf(entry.column, history, forecast), forecastTable(entry.column, forecast, names));
  });
  return shown;
};
