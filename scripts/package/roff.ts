/** Text as it stands, for a manual page: nothing in it is taken for an order to troff. */
export function roffText(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/[^\n\x20-\x7e]/gu, (sign) => {
      return `\\[u${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`;
    })
    .replace(/^([.'])/gm, "\\&$1");
}

/** Bold words. */
export function roffBold(text: string): string {
  return `\\fB${roffText(text)}\\fR`;
}

/** The usage of a command or an option: what is typed as it stands bold, what stands for something in italics. */
export function roffUsage(usage: string): string {
  return usage
    .split(/([<[][^>\]]+[>\]])/)
    .filter((part) => part !== "")
    .map((part) => {
      if (part.startsWith("<")) return `\\fI${roffText(part.slice(1, -1))}\\fR`;
      if (part.startsWith("[")) return `[\\fI${roffText(part.slice(1, -1))}\\fR]`;
      return roffBold(part);
    })
    .join("");
}

export interface ManualPage {
  readonly name: string;
  readonly section: 1 | 5;
  readonly version: string;
  /** Day of the build, as 2026-01-31. */
  readonly date: string;
  readonly summary: string;
  /** Titles in capitals, with lines of roff. */
  readonly sections: readonly (readonly [title: string, lines: readonly string[]])[];
}

/** A whole page for man(7)'s macros. */
export function manualPage(page: ManualPage): string {
  const { name, section, version, date, summary } = page;
  const head = `.TH "${name.toUpperCase()}" ${section} "${date}" "evenkeel ${version}" "evenkeel"`;
  const body = page.sections.flatMap(([title, lines]) => [`.SH "${title}"`, ...lines]);
  const lines = [head, ".SH NAME", `${roffText(name)} \\- ${roffText(summary)}`, ...body];
  return `${lines.join("\n")}\n`;
}
