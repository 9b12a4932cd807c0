// Small line charts side by side, as SVG: x is on a logarithmic scale, y begins
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
const PLOT = { left: 50, right: 260, top: 40, bottom: 160 };
const LEGEND_HEIGHT = 24;
const COLOURS = ['#2f81f7', '#d29922', '#3fb950', '#db61a2'];

const STYLE = `
  .page { fill: #ffffff } text { fill: #1f2328; font: 12px system-ui, sans-serif }
  .grid { stroke: #d1d9e0 } .line { fill: none; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #3d444d }
  }`;

export function growthPlot(title: string, panels: readonly Panel[]): string {
  const width = COLUMNS * CELL.width;
  const height = Math.ceil(panels.length / COLUMNS) * CELL.height + LEGEND_HEIGHT;
  const cells = panels.map((panel, place) => {
    const left = (place % COLUMNS) * CELL.width;
    const top = Math.floor(place / COLUMNS) * CELL.height;
    return `<g transform="translate(${left} ${top})">${drawn(panel)}</g>`;
  });
  const legend = panels[0]?.lines.map(({ name }, place) => {
    const at = `x="${PLOT.left + place * 120}" y="${height - 10}"`;
    return `<text ${at} style="fill:${COLOURS[place]}">${name}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}">`,
    `<title>${title}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="page" width="${width}" height="${height}"/>`,
    ...cells,
    ...(legend ?? []),
    '</svg>\n',
  ].join('\n');
}

function drawn({ title, lines }: Panel): string {
  const known = lines.map(({ points }) => points.filter(({ y }) => !Number.isNaN(y)));
  const powers = known.flat().map(({ x }) => Math.log10(x));
  const [first, last] = [Math.floor(Math.min(...powers)), Math.ceil(Math.max(...powers))];
  const most = niceAbove(Math.max(...known.flat().map(({ y }) => y)));
  const across = (power: number) => share(PLOT.left, PLOT.right, (power - first) / (last - first));
  const up = (y: number) => share(PLOT.bottom, PLOT.top, y / most);
  const grid = [0, most / 2, most].map((y) => {
    const line = `<path class="grid" d="M${PLOT.left} ${up(y)}H${PLOT.right}"/>`;
    return `${line}<text x="${PLOT.left - 6}" y="${up(y) + 4}" text-anchor="end">${y}</text>`;
  });
  const decades = Array.from({ length: last - first + 1 }, (_, place) => first + place);
  const ticks = decades.map((power) => {
    const text = `10<tspan dy="-4" font-size="9">${power}</tspan>`;
    return `<text x="${across(power)}" y="${PLOT.bottom + 18}" text-anchor="middle">${text}</text>`;
  });
  const curves = known.map((points, place) => {
    const places = points.map(({ x, y }) => [across(Math.log10(x)), up(y)] as const);
    const dots = places.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3"/>`).join('');
    const path = `<path class="line" stroke="${COLOURS[place]}" d="M${places.join('L')}"/>`;
    return `${path}<g fill="${COLOURS[place]}">${dots}</g>`;
  });
  const heading = `<text x="${PLOT.left}" y="24" font-weight="600">${title}</text>`;
  return [heading, ...grid, ...ticks, ...curves].join('');
}

function share(from: number, to: number, part: number): number {
  return Math.round(10 * (from + (to - from) * part)) / 10;
}

/** The next of 1, 2, 4, 5, 8 and 10, times a power of ten. */
function niceAbove(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 5, 8].find((step) => step * power >= value) ?? 10) * power;
}
