"use strict";
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();

  const styled = (figure) => {
    const ink = colour("ink"), soft = colour("soft"), rule = colour("rule");
    const axis = { gridcolor: rule, linecolor: rule, zeroline: false, tickfont: { color: soft }, automargin: true };
    const layout = structuredClone(figure.layout);
    for (const name of ["xaxis", "yaxis"]) {
      layout[name] = { ...axis, ...layout[name], title: { font: { size: 13, color: soft }, standoff: 8, ...layout[name].title } };
    }
    const data = structuredClone(figure.data);
    for (const trace of data) {
      const accent = trace.meta === "accent";
      const main = colour(accent ? "accent" : "muted");
      trace.marker = { size: accent ? 11 : 8, color: main, line: { width: 1, color: colour("paper") } };
      trace.textfont = { color: main, size: 12 };
      if (trace.line) trace.line.color = main;
      if (trace.error_x) trace.error_x.color = main;
      if (trace.fill) trace.fillcolor = colour("accent-soft");
    }
    return {
      data,
      layout: {
        margin: { l: 56, r: 16, t: 12, b: 48 }, font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: ink },
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        legend: { orientation: "h", x: 1, xanchor: "right", y: 1.02, yanchor: "bottom" },
        hoverlabel: { align: "left", bgcolor: colour("raised"), bordercolor: rule, font: { color: ink } }, ...layout,
      },
    };
  };

  const drawAll = () => {
    for (const place of document.querySelectorAll("[data-figure]")) {
      const figure = styled(JSON.parse(document.getElementById(place.dataset.figure).textContent));
      Plotly.react(place, figure.data, figure.layout, { responsive: true, displaylogo: false, displayModeBar: false });
    }
  };

  const show = (theme) => { root.dataset.theme = theme; drawAll(); };
  document.getElementById("theme").addEventListener("click", () => show(root.dataset.theme === "dark" ? "light" : "dark"));
  dark.addEventListener("change", () => show(dark.matches ? "dark" : "light"));
  show(location.hash === "#dark" || dark.matches ? "dark" : "light");
})();
