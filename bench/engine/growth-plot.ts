// Small line charts side by side, as SVG: x is a number of keys on a logarithmic scale, y begins
// at zero. It brings its own background, so that it can be read on light and on dark pages.

export interface Panel {
  readonly title: string;
  readonly lines: readonly {
    readonly name: string;
    /** NaN where it was not measured. */
    readonly points: readonly { readonly x: number; readonly y: number }[];
  }[];
}

const COLUMNS = 3;
const CELL = { width: 280, height: 190 };
const PLOT = { left: 50, right: 20, top: 40, bottom: 30 };
const COLOURS = ['#2f81f7', '#d29922', '#3fb950', '#db61a2'];

const STYLE = `
  .page { fill: #ffffff } text { fill: #1f2328; font: 12px system-ui, sans-serif }
  .grid { stroke: #d1d9e0 } .line { fill: none; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #3d444d }
  }`;

export function growthPlot(panels: readonly Panel[]): string {
  const width = COLUMNS * CELL.width;
  const height = Math.ceil(panels.length / COLUMNS) * CELL.height + 24;
  const cells = panels.map((panel, place) => {
    const left = (place % COLUMNS) * CELL.width;
    const top = Math.floor(place / COLUMNS) * CELL.height;
    return `<g transform="translate(${left} ${top})">${panelContent(panel)}</g>`;
  });
  const names = panels[0]?.lines.map(({ name }) => name) ?? [];
  const legend = names.map((name, place) => {
    const at = `x="${PLOT.left + place * 120}" y="${height - 10}"`;
    return `<text ${at} style="fill:${COLOURS[place]}">${name}</text>`;
  });
  const box = `xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}"`;
  const page = `<rect class="page" width="${width}" height="${height}"/>`;
  return `<svg ${box}>\n<style>${STYLE}\n</style>\n${[page, ...cells, ...legend].join('\n')}\n</svg>\n`;
}

function panelContent({ title, lines }: Panel): string {
  const known = lines.flatMap(({ points }) => points).filter(({ y }) => !Number.isNaN(y));
  const xs = known.map(({ x }) => Math.log10(x));
  const [first, last] = [Math.floor(Math.min(...xs)), Math.ceil(Math.max(...xs))];
  const most = niceAbove(Math.max(...known.map(({ y }) => y)));
  const right = CELL.width - PLOT.right;
  const bottom = CELL.height - PLOT.bottom;
  const xOf = (x: number) =>
    PLOT.left + ((Math.log10(x) - first) / (last - first || 1)) * (right - PLOT.left);
  const yOf = (y: number) => bottom - (y / most) * (bottom - PLOT.top);
  const grid = [0, most / 2, most].map((y) => {
    const line = `<path class="grid" d="M${PLOT.left} ${yOf(y)}H${right}"/>`;
    return `${line}<text x="${PLOT.left - 6}" y="${yOf(y) + 4}" text-anchor="end">${y}</text>`;
  });
  const decades = Array.from({ length: last - first + 1 }, (_, place) => first + place);
  const ticks = decades.map((power) => {
    const text = `10<tspan dy="-4" font-size="9">${power}</tspan>`;
    return `<text x="${xOf(10 ** power)}" y="${bottom + 18}" text-anchor="middle">${text}</text>`;
  });
  const drawn = lines.map(({ points }, place) => {
    const own = points.filter(({ y }) => !Number.isNaN(y));
    const path = own.map(({ x, y }) => `${xOf(x).toFixed(1)} ${yOf(y).toFixed(1)}`).join('L');
    return `<path class="line" stroke="${COLOURS[place]}" d="M${path}"/>`;
  });
  const heading = `<text x="${PLOT.left}" y="24" font-weight="600">${title}</text>`;
  return [heading, ...grid, ...ticks, ...drawn].join('');
}

/** The next of 1, 2, 4, 5, 8 and 10, times a power of ten. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 5, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}
