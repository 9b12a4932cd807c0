// Sizes as people read them: `512 B`, `1.9 GB`. A kilobyte is 1,024 bytes, as where they are typed.
//
// Pure: no clock, no disk, no network; dice are an argument.

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Two digits or more: `9.5 GB`, `79 GB`. */
export function sizeText(bytes: number): string {
  let unit = 0;
  let size = bytes;
  for (; size >= 999.5 && unit < UNITS.length - 1; unit++) size /= 1024;
  return `${size < 9.95 && unit > 0 ? size.toFixed(1) : size.toFixed(0)} ${UNITS[unit]}`;
}
