import { styleText } from "node:util";

export type Tone = "good" | "warn" | "bad" | "dim" | "strong";

const FORMATS = {
  good: "green",
  warn: "yellow",
  bad: "red",
  dim: "gray",
  strong: "bold",
} as const;

/** Colours by meaning; the text as it is where no colours are wanted. */
export type Palette = (tone: Tone | null, text: string) => string;

export function paletteOf(coloured: boolean): Palette {
  return (tone, text) =>
    coloured && tone !== null ? styleText(FORMATS[tone], text, { validateStream: false }) : text;
}
