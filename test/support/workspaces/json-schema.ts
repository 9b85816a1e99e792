/** The part of JSON Schema (draft 7) that our generated schemas use, as an oracle that shares nothing with zod. Throws on a keyword that it does not know. */

type Schema = { readonly [keyword: string]: unknown };

const ANNOTATIONS = new Set(['$schema', 'title', 'description', 'default', 'definitions']);

/** Paths at which `value` does not satisfy `schema`. */
export function violations(schema: Schema, value: unknown, root: Schema = schema, path = '$'): string[] {
  const found: string[] = [];
  const check = (holds: boolean, keyword: string): void => {
    if (!holds) found.push(`${path}: ${keyword}`);
  };
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const object = isObject ? (value as Record<string, unknown>) : {};
  const list = Array.isArray(value) ? value : [];
  for (const [keyword, argument] of Object.entries(schema)) {
    if (ANNOTATIONS.has(keyword)) continue;
    switch (keyword) {
      case '$ref': {
        const name = String(argument).replace('#/definitions/', '');
        found.push(...violations((root['definitions'] as Record<string, Schema>)[name] as Schema, value, root, path));
        break;
      }
      case 'type':
        check(
          [argument].flat().some((type) => hasType(value, String(type))),
          keyword,
        );
        break;
      case 'const':
        check(value === argument, keyword);
        break;
      case 'enum':
        check((argument as unknown[]).includes(value), keyword);
        break;
      case 'pattern':
        check(typeof value !== 'string' || new RegExp(String(argument)).test(value), keyword);
        break;
      case 'minLength':
        check(typeof value !== 'string' || value.length >= Number(argument), keyword);
        break;
      case 'maxLength':
        check(typeof value !== 'string' || value.length <= Number(argument), keyword);
        break;
      case 'minimum':
        check(typeof value !== 'number' || value >= Number(argument), keyword);
        break;
      case 'maximum':
        check(typeof value !== 'number' || value <= Number(argument), keyword);
        break;
      case 'minItems':
        check(!Array.isArray(value) || list.length >= Number(argument), keyword);
        break;
      case 'maxItems':
        check(!Array.isArray(value) || list.length <= Number(argument), keyword);
        break;
      case 'anyOf':
        check(
          (argument as Schema[]).some((branch) => violations(branch, value, root, path).length === 0),
          keyword,
        );
        break;
      case 'required':
        for (const key of argument as string[]) check(!isObject || Object.hasOwn(object, key), `required ${key}`);
        break;
      case 'properties':
        for (const [key, inner] of Object.entries(argument as Record<string, Schema>))
          if (Object.hasOwn(object, key)) found.push(...violations(inner, object[key], root, `${path}.${key}`));
        break;
      case 'propertyNames':
        for (const key of Object.keys(object))
          found.push(...violations(argument as Schema, key, root, `${path}.${key} (name)`));
        break;
      case 'additionalProperties': {
        const known = Object.keys((schema['properties'] ?? {}) as object);
        for (const key of Object.keys(object).filter((name) => !known.includes(name))) {
          if (argument === false) check(false, `unknown ${key}`);
          else found.push(...violations(argument as Schema, object[key], root, `${path}.${key}`));
        }
        break;
      }
      case 'items':
        list.forEach((item, i) => {
          const inner = Array.isArray(argument) ? argument[i] : argument;
          if (inner !== undefined) found.push(...violations(inner as Schema, item, root, `${path}[${i}]`));
        });
        break;
      case 'additionalItems':
        check(argument !== false || list.length <= (schema['items'] as unknown[]).length, keyword);
        break;
      default:
        throw new Error(`the schema uses a keyword that the oracle does not know: ${keyword}`);
    }
  }
  return found;
}

function hasType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}
