import type { ChartTheme } from "../project/report.js";

/**
 * Colours of a page, light and dark. Texts reach 4.5:1 and marks 3:1 on their surface (WCAG 2.2 AA; a test computes it).
 * Series are Okabe and Ito's colour-blind-safe palette (https://jfly.uni-koeln.de/color/), darkened or lightened where
 * the surface asks for it.
 */
export interface Palette {
  readonly page: string;
  readonly surface: string;
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly control: string;
  readonly accent: string;
  readonly onAccent: string;
  readonly grey: string;
  readonly faint: string;
  readonly onGrey: string;
  readonly good: string;
  readonly bad: string;
  readonly warning: string;
  readonly series: readonly string[];
}

export const light: Palette = {
  page: "#f4f5f7",
  surface: "#ffffff",
  text: "#1a1f26",
  muted: "#57606c",
  line: "#dfe3e8",
  control: "#858f9b",
  accent: "#0072b2",
  onAccent: "#ffffff",
  grey: "#8a949e",
  faint: "#c9d0d7",
  onGrey: "#10151a",
  good: "#00704f",
  bad: "#b04300",
  warning: "#fff4d6",
  series: ["#0072b2", "#d55e00", "#00825e", "#b65c91", "#a87000", "#2f86bd", "#57606c"],
};

export const dark: Palette = {
  page: "#101418",
  surface: "#181d23",
  text: "#e8ebef",
  muted: "#a5afbb",
  line: "#2d343d",
  control: "#76818e",
  accent: "#56b4e9",
  onAccent: "#0b1014",
  grey: "#6c7783",
  faint: "#3d4650",
  onGrey: "#ffffff",
  good: "#3fc79a",
  bad: "#ff9457",
  warning: "#3a3014",
  series: ["#56b4e9", "#e69f00", "#1fb58a", "#cc79a7", "#f0e442", "#ee7733", "#a5afbb"],
};

/** What charts draw with: the page's custom properties, so that a change of theme redraws nothing. */
export const chartTheme: ChartTheme = {
  text: "var(--text)",
  muted: "var(--muted)",
  line: "var(--line)",
  surface: "var(--surface)",
  accent: "var(--accent)",
  grey: "var(--grey)",
  faint: "var(--faint)",
  onAccent: "var(--on-accent)",
  onGrey: "var(--on-grey)",
  series: light.series.map((_, index) => `var(--series-${index + 1})`),
};

/** A palette as custom properties: `--page:#f4f5f7;--surface:...`. */
export function customProperties(palette: Palette): string {
  const { series, ...single } = palette;
  return [
    ...Object.entries(single).map(([name, value]) => [
      name.replace(/[A-Z]/g, (each) => `-${each.toLowerCase()}`),
      value,
    ]),
    ...series.map((value, index) => [`series-${index + 1}`, value]),
  ]
    .map(([name, value]) => `--${name ?? ""}:${value ?? ""}`)
    .join(";");
}
