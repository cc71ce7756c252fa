/** Thrown by the parsers of a switch's answers: the answer is not what HAProxy writes. */
export class AnswerFault extends Error {}

const wholePattern = /^[0-9]{1,15}$/;

/** A whole number as HAProxy writes it. Throws AnswerFault for anything else. */
export function readWhole(text: string | undefined, what: string): number {
  if (text === undefined || !wholePattern.test(text)) {
    throw new AnswerFault(`${what} is no number: ${shown(text)}`);
  }
  return Number(text);
}

/** A name as haproxy.cfg allows them. Throws AnswerFault for anything else. */
export function readName(text: string | undefined, what: string): string {
  if (text === undefined || !/^[A-Za-z0-9_.:-]{1,128}$/.test(text)) {
    throw new AnswerFault(`${what} is no name: ${shown(text)}`);
  }
  return text;
}

/**
 * The lines of an answer to a `show` command, which ends in an empty line. Throws AnswerFault when
 * the end is missing: a server that is merely cut off must not be taken for one that is gone.
 */
export function wholeLines(answer: string): string[] {
  if (!answer.endsWith("\n\n")) throw new AnswerFault(`cut short after ${answer.length} bytes`);
  return answer.split("\n").filter((line) => line.trim() !== "");
}

/** The place of each column in a header line; throws AnswerFault when one of `needed` is missing. */
export function columnsOf<Name extends string>(
  header: readonly string[],
  needed: readonly Name[],
): Record<Name, number> {
  const places = {} as Record<Name, number>;
  for (const name of needed) {
    const place = header.indexOf(name);
    if (place < 0) throw new AnswerFault(`the column ${name} is missing`);
    places[name] = place;
  }
  return places;
}

function shown(text: string | undefined): string {
  return text === undefined ? "nothing" : JSON.stringify(text.slice(0, 60));
}
