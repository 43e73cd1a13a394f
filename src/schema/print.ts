/** A schema as text: printed type by type, each once in the life of its type, with turns of the event loop for others in between. */
import { type GraphQLNamedType, GraphQLSchema, isIntrospectionType, isSpecifiedScalarType, printSchema, printType } from 'graphql';
import { nextTurn, STRETCH_MS } from './turns.ts';

const printed = new WeakMap<GraphQLNamedType, string>();

export async function schemaText(schema: GraphQLSchema): Promise<string> {
  const directives = printSchema(new GraphQLSchema({ directives: schema.getDirectives() }));
  const texts = directives === '' ? [] : [directives];
  let began = performance.now();
  for (const type of Object.values(schema.getTypeMap())) {
    if (isSpecifiedScalarType(type) || isIntrospectionType(type)) continue;
    let text = printed.get(type);
    if (text === undefined) {
      text = printType(type);
      printed.set(type, text);
      if (performance.now() - began > STRETCH_MS) {
        await nextTurn();
        began = performance.now();
      }
    }
    texts.push(text);
  }
  return `${texts.join('\n\n')}\n`;
}
