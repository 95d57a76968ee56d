/** Room for category labels left of a plot: as wide as the longest, at most 45 % of the width. In pixels, at 13 px text. */
export function labelSpace(labels: readonly string[], width: number): number {
  const longest = Math.max(0, ...labels.map((label) => Array.from(label).length));
  return Math.ceil(Math.min(longest * 7.2 + 14, width * 0.45));
}

/** A label cut to the room there is, with an ellipsis. */
export function fitLabel(label: string, space: number): string {
  const letters = Array.from(label);
  const most = Math.max(3, Math.floor((space - 10) / 7));
  return letters.length <= most
    ? label
    : `${letters
        .slice(0, most - 1)
        .join("")
        .trimEnd()}…`;
}
