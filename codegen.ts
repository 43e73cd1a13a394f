/** Typed documents for tests and examples, from schema.graphql. Run by npm run codegen. */
import type { CodegenConfig } from '@graphql-codegen/cli';
import { scalars } from './src/codegen.ts';

const config: CodegenConfig = {
  schema: './schema.graphql',
  documents: ['test/**/*.ts', 'examples/**/*.ts', '!**/generated/**'],
  ignoreNoDocuments: true,
  importExtension: '.ts',
  generates: {
    './test/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: { scalars, useTypeImports: true, strictScalars: true, enumsAsTypes: true },
    },
  },
};

export default config;
