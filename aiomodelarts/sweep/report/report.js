"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const coarse = matchMedia("(pointer: coarse)").matches;
  const PAGE = 200;
  const short = (value) => String(Number(value.toPrecision(6)));
  const byId = (id) => document.getElementById(id);
  const make = (tag, text = "", className = "") => {
    const element = document.createElement(tag);
    if (text !== "") element.textContent = text;
    if (className) element.className = className;
    return element;
  };

  // Colours: the charts name them, the style sheet knows them, light or dark.
  const named = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const coloured = (value) => {
    if (value === "@ramp") return [[0, named("ramp-0")], [0.5, named("ramp-1")], [1, named("ramp-2")]];
    if (typeof value === "string" && /^@[a-z-]+$/.test(value)) return named(value.slice(1)) || named("muted");
    return value;
  };
  const painted = (value, key) => {
    if (Array.isArray(value)) return typeof value[0] === "object" ? value.map((one) => painted(one)) : value;
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, painted(inner, name)]));
    }
    return key === "color" || key === "colorscale" ? coloured(value) : value;
  };
  // Said of a trial beside the pointer, in every chart the same. Plotly reads it as markup.
  const rows = new Map(data.table.rows.map((row) => [row.trial, row]));
  const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const hover = (trial) => {
    const row = rows.get(trial);
    if (!row) return `<b>trial ${trial}</b>`;
    const values = row.values ? row.values.map(short).join(" / ") : row.shown || row.state;
    const lines = Object.entries(row.point).slice(0, 20).map(([name, value]) => plain(`${name} = ${value}`.slice(0, 80)));
    return [`<b>trial ${trial}: ${values}</b>`, ...lines].join("<br>");
  };
  const traces = (chart) => chart.data.map((trace) => ({
    ...painted(trace), ...(trace.text === "@hover" ? { text: trace.customdata.map(hover) } : {}),
  }));
  const axis = (given) => ({
    gridcolor: named("line"), linecolor: named("line"), zerolinecolor: named("line"), automargin: true, ...given,
  });
  const laidOut = (chart) => ({
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: named("text") },
    paper_bgcolor: named("surface"),
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { t: 12, r: 16, b: 28, l: 48 },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    hovermode: "closest",
    hoverlabel: {
      align: "left", bgcolor: named("raised"), bordercolor: named("line"), font: { color: named("text") }, namelength: -1,
    },
    dragmode: coarse ? false : "zoom",
    ...painted(chart.layout),
    xaxis: axis(chart.layout.xaxis),
    yaxis: axis(chart.layout.yaxis),
  });
  // One chart a turn, so that the page can be read and scrolled before the last one is there.
  const drawn = new Map();
  const waiting = [];
  const next = () => {
    const paint = waiting.shift();
    if (paint) paint();
    if (waiting.length) setTimeout(next);
    else document.querySelector("main").removeAttribute("aria-busy");
  };
  const later = (paint) => {
    document.querySelector("main").setAttribute("aria-busy", "true");
    if (waiting.push(paint) === 1) setTimeout(next);
  };
  addEventListener("beforeprint", () => waiting.splice(0).forEach((paint) => paint()));
  const draw = (place, chart) => {
    const inner = make("div");
    if (chart.least_width) inner.style.minWidth = `${chart.least_width}px`;
    inner.style.height = `${chart.layout.height}px`;
    place.append(inner);
    const paint = () => Plotly.react(inner, traces(chart), laidOut(chart), { displayModeBar: false, responsive: true, doubleClick: "autosize" });
    later(() => {
      // Another objective may have been chosen meanwhile.
      if (!inner.isConnected) return;
      drawn.set(inner, paint);
      paint();
      inner.on("plotly_click", (click) => {
        const trial = click.points[0] && click.points[0].customdata;
        if (trial !== undefined) reveal(trial);
      });
    });
  };
  const clear = (place) => {
    for (const plot of place.querySelectorAll(".js-plotly-plot")) {
      drawn.delete(plot);
      Plotly.purge(plot);
    }
    place.replaceChildren();
  };
  const section = (id, chart) => {
    const place = byId(id);
    clear(place);
    place.hidden = !chart.note && !chart.data.length;
    place.append(make("h2", chart.title), make("p", chart.note, "note"));
    if (!chart.data.length) return;
    const wide = make("div", "", "wide");
    place.append(wide);
    draw(wide, chart);
  };

  byId("name").textContent = data.name;
  byId("said").textContent = data.said;
  byId("thinned").textContent = data.thinned;
  for (const fact of data.facts) {
    const one = make("div", "", fact.name.startsWith("best") && fact.value !== "none yet" ? "best" : "");
    one.append(make("dt", fact.name), make("dd", fact.value));
    byId("facts").append(one);
  }
  // The table
  const unbeaten = new Set(data.table.best);
  const trials = byId("trials");
  const head = [
    { name: "trial", number: true, of: (row) => row.trial },
    { name: "outcome", of: (row) => row.state },
    ...(data.table.objectives.length
      ? data.table.objectives.map((name, place) => ({
        name, parameter: true, number: true,
        of: (row) => row.values && row.values[place], shown: (row) => row.values ? short(row.values[place]) : "",
      }))
      : [{ name: "value", number: true, of: (row) => row.value, shown: (row) => row.shown }]),
    ...data.table.parameters.map((name) => ({
      name, parameter: true,
      number: data.table.rows.every((row) => row.sort[name] === undefined || typeof row.sort[name] === "number"),
      of: (row) => row.sort[name], shown: (row) => row.point[name] ?? "",
    })),
    { name: "time", number: true, of: (row) => row.seconds, shown: (row) => row.time },
    { name: "attempt", number: true, of: (row) => row.attempt },
    { name: "job", number: true, of: (row) => row.job },
    { name: "version", number: true, of: (row) => row.version },
    { name: "log", of: (row) => row.log },
    { name: "why", of: (row) => row.reason },
  ];
  const logged = data.table.rows.some((row) => row.log);
  const columns = head.filter((column) => column.parameter || column.name !== "log" || logged);
  const left = new Set();
  let order = { column: columns[0], down: false };
  let many = PAGE;

  const before = (a, b) => {
    const [x, y] = [order.column.of(a), order.column.of(b)];
    const [no, none] = [x === null || x === undefined || x === "", y === null || y === undefined || y === ""];
    if (no || none) return no - none || a.trial - b.trial;
    const compared = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
    return (order.down ? -compared : compared) || a.trial - b.trial;
  };
  const mark = (state) => {
    const dot = make("span", "", "mark");
    dot.style.background = `var(--state-${state.replaceAll(" ", "-")}, var(--muted))`;
    return dot;
  };
  const details = (row) => {
    const inside = make("div", "", "inside");
    const list = make("ul", "", "point");
    list.append(...Object.entries(row.point).map(([name, value]) => make("li", `${name} = ${value}`)));
    inside.append(list, make("p", row.path, "path"));
    if (row.version !== null) inside.append(make("code", `aiomodelarts logs ${row.job} ${row.version}`));
    const steps = make("ol");
    for (const step of row.history) {
      const line = make("li");
      const [at, state, why, log] = step;
      line.append(make("time", at), mark(state), `${state}: ${why}`);
      if (log) line.append(make("pre", log));
      steps.append(line);
    }
    inside.append(steps);
    const cell = make("td");
    cell.colSpan = columns.length;
    cell.append(inside);
    const line = make("tr", "", "details");
    line.append(cell);
    return line;
  };
  const toggle = (line, row) => {
    const button = line.querySelector(".open");
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    if (open) line.nextSibling.remove();
    else line.after(details(row));
  };
  const cellOf = (column, row, line) => {
    const cell = make("td", "", column.number ? "number" : "");
    const kind = column.parameter ? "parameter" : column.name;
    if (kind === "trial") {
      const button = make("button", String(row.trial), "open");
      button.type = "button";
      button.setAttribute("aria-expanded", "false");
      button.setAttribute("aria-label", `Trial ${row.trial}, details`);
      button.addEventListener("click", () => toggle(line, row));
      cell.append(button);
    } else if (kind === "outcome") {
      cell.append(mark(row.state), row.state);
    } else if (kind === "log") {
      if (row.log) {
        const link = make("a", "log");
        link.href = row.log;
        cell.append(link);
      }
    } else {
      const text = String((column.shown || column.of)(row) ?? "");
      cell.textContent = text;
      if (kind === "why") cell.classList.add("why");
      if (kind === "parameter" && text.length > 24) cell.classList.add("long");
      if (text.length > 24) cell.title = text;
    }
    return cell;
  };
  const lineOf = (row) => {
    const line = make("tr", "", unbeaten.has(row.trial) ? "best" : "");
    line.id = `trial-${row.trial}`;
    line.append(...columns.map((column) => cellOf(column, row, line)));
    return line;
  };
  const body = make("tbody");
  const heads = make("tr");
  const more = trials.querySelector(".more");
  const list = () => {
    const rows = data.table.rows.filter((row) => !left.has(row.state)).sort(before);
    body.replaceChildren(...rows.slice(0, many).map(lineOf));
    more.hidden = rows.length <= many;
    more.textContent = `Show ${Math.min(PAGE, rows.length - many)} more of ${rows.length}`;
    columns.forEach((column, place) => {
      const sorted = column === order.column ? (order.down ? "descending" : "ascending") : "none";
      heads.children[place].setAttribute("aria-sort", sorted);
    });
    return rows;
  };
  const reveal = (trial) => {
    const row = data.table.rows.find((one) => one.trial === trial);
    if (!row) return;
    left.delete(row.state);
    chips();
    const place = data.table.rows.filter((one) => !left.has(one.state)).sort(before).indexOf(row);
    many = Math.max(many, place + 1);
    list();
    const line = byId(`trial-${trial}`);
    toggle(line, row);
    line.scrollIntoView({ block: "center" });
  };
  const chips = () => {
    const counts = new Map();
    for (const row of data.table.rows) counts.set(row.state, (counts.get(row.state) || 0) + 1);
    trials.querySelector(".chips").replaceChildren(...[...counts].sort().map(([state, count]) => {
      const chip = make("button");
      chip.type = "button";
      chip.append(mark(state), `${state} ${count}`);
      chip.setAttribute("aria-pressed", String(!left.has(state)));
      chip.addEventListener("click", () => {
        left.has(state) ? left.delete(state) : left.add(state);
        chips();
        list();
      });
      return chip;
    }));
  };
  if (data.table.rows.length) {
    trials.hidden = false;
    heads.append(...columns.map((column) => {
      const cell = make("th", "", column.number ? "number" : "");
      const button = make("button", column.name);
      button.type = "button";
      button.title = column.name;
      button.addEventListener("click", () => {
        order = { column, down: order.column === column && !order.down };
        list();
      });
      cell.append(button);
      return cell;
    }));
    const top = make("thead");
    top.append(heads);
    trials.querySelector("table").append(top, body);
    more.addEventListener("click", () => { many += PAGE; list(); });
    chips();
    list();
  }

  // The charts
  section("front", data.charts.front);
  const views = byId("views");
  const view = (chosen) => {
    for (const button of views.children) button.setAttribute("aria-pressed", String(button.textContent === chosen.name));
    const best = byId("best");
    best.hidden = !chosen.best;
    if (chosen.best) {
      best.querySelector("h2").textContent = chosen.best.title;
      best.querySelector("ul").replaceChildren(...chosen.best.point.map((line) => make("li", line)));
      best.querySelector(".path").textContent = chosen.best.output_path;
    }
    for (const [id, chart] of Object.entries(chosen.charts)) section(id, chart);
    byId("slices").hidden = !chosen.slices.length;
    const grid = byId("slices").querySelector(".grid");
    clear(grid);
    for (const chart of chosen.slices) {
      const place = make("div");
      place.append(make("h3", chart.title));
      grid.append(place);
      draw(place, chart);
    }
  };
  views.hidden = data.views.length < 2;
  if (!views.hidden) {
    views.append(...data.views.map((one) => {
      const button = make("button", one.name);
      button.type = "button";
      button.title = `${one.goal} ${one.name}`;
      button.addEventListener("click", () => view(one));
      return button;
    }));
  }
  view(data.views[0]);
  section("timeline", data.charts.timeline);
  dark.addEventListener("change", () => drawn.forEach((paint) => paint()));
})();
