import { z } from 'zod';
import { type Route, route } from './route.ts';
import { failure } from './schemas.ts';

/** The route of the document. The document does not list it. */
export function documentRoute(routes: readonly Route[]): Route {
  const document = openApi(routes);
  return route({
    method: 'GET',
    path: '/api/openapi.json',
    summary: 'This document.',
    right: null,
    answer: z.object(),
    handle: () => document,
  });
}

/** The OpenAPI 3.1 document, generated from the schemas that check the requests. */
function openApi(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Zócalo',
      version: '1',
      description: 'Publish to channels, read them, and manage users. The error codes are those of docs/protocol.md.',
    },
    paths,
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key of the configuration.' } },
      schemas: { Failure: schemaOf(failure, 'output') },
      responses: {
        Failure: {
          description: 'Refused: the code says why.',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Failure' } } },
        },
      },
    },
  };
}

function operation({
  path,
  method,
  summary,
  right,
  query,
  body,
  documented = body,
  mayLackBody,
  answer,
}: Route): object {
  const parameters = [
    ...[...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...(query ? queryParameters(query) : []),
  ];
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^a-z]+(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary,
    security: right === null ? [] : [{ key: [] }],
    ...(right !== null && { description: `Needs an API key with the right \`${right}\`.` }),
    ...(parameters.length > 0 && { parameters }),
    ...(documented && {
      requestBody: {
        required: !mayLackBody,
        content: { 'application/json': { schema: schemaOf(documented, 'input') } },
      },
    }),
    responses: {
      200: { description: 'Done.', content: { 'application/json': { schema: schemaOf(answer, 'output') } } },
      default: { $ref: '#/components/responses/Failure' },
    },
  };
}

function queryParameters(query: z.ZodType): object[] {
  const { properties = {}, required = [] } = schemaOf(query, 'input') as {
    properties?: Record<string, { description?: string }>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(description !== undefined && { description }),
    schema,
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
