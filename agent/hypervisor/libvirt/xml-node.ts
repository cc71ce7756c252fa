import { DOMParser, type Element, onErrorStopParsing } from "@xmldom/xmldom";
import { HypervisorError } from "../hypervisor-error.ts";

/** One element of what libvirt wrote; the only place that knows the parser. */
export class XmlNode {
  readonly #element: Element;

  constructor(element: Element) {
    this.#element = element;
  }

  get name(): string {
    return this.#element.tagName;
  }

  /** Its text without the white space around it. */
  get text(): string {
    return (this.#element.textContent ?? "").trim();
  }

  /** Undefined where the attribute is missing or empty. */
  attribute(name: string): string | undefined {
    return this.#element.getAttribute(name) || undefined;
  }

  /** Child elements, those of one name or all, in their order. */
  children(name?: string): readonly XmlNode[] {
    const children: XmlNode[] = [];
    for (let node = this.#element.firstChild; node !== null; node = node.nextSibling) {
      if (node.nodeType !== node.ELEMENT_NODE) continue;
      const child = new XmlNode(node as Element);
      if (name === undefined || child.name === name) children.push(child);
    }
    return children;
  }

  /** The first element at the end of the path of names; undefined where there is none. */
  at(...path: readonly string[]): XmlNode | undefined {
    return this.all(...path)[0];
  }

  /** All elements at the end of the path of names. */
  all(...path: readonly string[]): readonly XmlNode[] {
    let found: readonly XmlNode[] = [this];
    for (const name of path) found = found.flatMap((node) => node.children(name));
    return found;
  }
}

/** The root of a document. Throws COMMAND_FAILED when it is none. */
export function readXml(text: string): XmlNode {
  try {
    const parser = new DOMParser({ onError: onErrorStopParsing });
    const root = parser.parseFromString(text.trim(), "text/xml").documentElement;
    if (root !== null) return new XmlNode(root);
  } catch (cause) {
    const words = `libvirt's XML cannot be read: ${(cause as Error).message.split("\n")[0]}`;
    throw new HypervisorError(words, { code: "COMMAND_FAILED", cause });
  }
  throw new HypervisorError("libvirt's XML is empty", { code: "COMMAND_FAILED" });
}
