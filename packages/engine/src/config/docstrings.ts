/**
 * The docstrings of a config's types as descriptions in its JSON Schema, which editors show where somebody points at a key. They are read from the types'
 * declarations, which are installed with the code, so that no text is written twice.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SyntaxNode } from '@lezer/common';
import { parser } from '@lezer/javascript';
import { isObject, type JsonSchema } from './jsonSchema.ts';

/** What is declared of a property: its docstring, and the types that its own type names. */
interface Member {
  readonly doc: string | null;
  readonly type: SyntaxNode | null;
  readonly from: Declarations;
}

type Members = ReadonlyMap<string, Member>;

/** Types inside types that are looked at. */
const deepest = 8;
/** The code that runs is TypeScript in a checkout's tests, JavaScript with declarations beside it else. */
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.d.ts';

/** `schema` with the docstrings of the type `name`, which the file `module` (relative to this one, without extension) declares. */
export function withDocstrings(schema: JsonSchema, name: string, module: string): JsonSchema {
  const files = new Map<string, Declarations | null>();
  const declared = opened(new URL(`${module}${extension}`, import.meta.url), files);
  return declared === null ? schema : described(schema, declared.members(name, 0), 0);
}

function described(schema: JsonSchema, members: Members, depth: number): JsonSchema {
  const { properties } = schema;
  if (!isObject(properties) || members.size === 0 || depth === deepest) return schema;
  const entries = Object.entries(properties).map(([key, value]) => {
    const member = members.get(key);
    if (member === undefined || !isObject(value)) return [key, value] as const;
    const inner = membersOf(member.type, member.from, 0);
    const items = isObject(value.items) ? { items: described(value.items, inner, depth + 1) } : {};
    const text = member.doc === null ? {} : { description: member.doc };
    return [key, { ...described(value, inner, depth + 1), ...items, ...text }] as const;
  });
  return { ...schema, properties: Object.fromEntries(entries) };
}

/** The declarations of one file. */
class Declarations {
  readonly #text: string;
  readonly #url: URL;
  readonly #files: Map<string, Declarations | null>;
  readonly #types = new Map<string, SyntaxNode>();

  constructor(text: string, url: URL, files: Map<string, Declarations | null>) {
    this.#text = text;
    this.#url = url;
    this.#files = files;
    parser
      .configure({ dialect: 'ts' })
      .parse(text)
      .iterate({
        enter: ({ node }) => {
          if (node.name !== 'InterfaceDeclaration' && node.name !== 'TypeAliasDeclaration') return true;
          this.#types.set(this.textOf(node.getChild('TypeDefinition')), node);
          return false;
        },
      });
  }

  textOf(node: SyntaxNode | null): string {
    return node === null ? '' : this.#text.slice(node.from, node.to);
  }

  /** The properties of a type that this file declares or imports from one beside it; none of any other. */
  members(name: string, depth: number): Members {
    const own = this.#types.get(name);
    if (own !== undefined) return membersOf(own, this, depth);
    const imported = new RegExp(
      `import type \\{[^}]*\\b${name}\\b[^}]*\\} from '(\\.[^']*?)(?:\\.\\w+)?'`,
    ).exec(this.#text);
    const path = imported?.[1];
    if (path === undefined) return new Map();
    return opened(new URL(`${path}${extension}`, this.#url), this.#files)?.members(name, depth) ?? new Map();
  }
}

/** The properties in the objects of a type, and in the types that it names. */
function membersOf(node: SyntaxNode | null, from: Declarations, depth: number): Members {
  const found = new Map<string, Member>();
  if (depth === deepest) return found;
  node?.cursor().iterate((each) => {
    if (each.name === 'TypeName') {
      for (const [key, member] of from.members(from.textOf(each.node), depth + 1))
        if (!found.has(key)) found.set(key, member);
      return false;
    }
    if (each.name !== 'PropertyType') return true;
    const before = each.node.prevSibling;
    found.set(from.textOf(each.node.getChild('PropertyDefinition')), {
      doc: before?.name === 'BlockComment' ? docstring(from.textOf(before)) : null,
      type: each.node.getChild('TypeAnnotation'),
      from,
    });
    return false;
  });
  return found;
}

/** The words of a comment; null for one that is no docstring. */
function docstring(comment: string): string | null {
  if (!comment.startsWith('/**')) return null;
  return comment
    .slice(3, -2)
    .replace(/\s*\n\s*\*\s?/g, ' ')
    .trim();
}

function opened(url: URL, files: Map<string, Declarations | null>): Declarations | null {
  const known = files.get(url.href);
  if (known !== undefined) return known;
  // A bundler may have left the declarations out: then there are no descriptions.
  files.set(url.href, null);
  try {
    files.set(url.href, new Declarations(readFileSync(fileURLToPath(url), 'utf8'), url, files));
  } catch {
    return null;
  }
  return files.get(url.href) ?? null;
}
