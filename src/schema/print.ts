/** A schema as text: printed type by type, each once in the life of its type, and a few at a time. */
import { type GraphQLNamedType, GraphQLSchema, isIntrospectionType, isSpecifiedScalarType, printSchema, printType } from 'graphql';
import { nextTurn } from './turns.ts';

/** Types that are printed before the event loop has its turn. */
const TYPES_A_TURN = 100;

const printed = new WeakMap<GraphQLNamedType, string>();

export async function schemaText(schema: GraphQLSchema): Promise<string> {
  const directives = printSchema(new GraphQLSchema({ directives: schema.getDirectives() }));
  const texts = directives === '' ? [] : [directives];
  let fresh = 0;
  for (const type of Object.values(schema.getTypeMap())) {
    if (isSpecifiedScalarType(type) || isIntrospectionType(type)) continue;
    let text = printed.get(type);
    if (text === undefined) {
      text = printType(type);
      printed.set(type, text);
      fresh += 1;
      if (fresh % TYPES_A_TURN === 0) await nextTurn();
    }
    texts.push(text);
  }
  return `${texts.join('\n\n')}\n`;
}
