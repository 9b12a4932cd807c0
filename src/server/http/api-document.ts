// The API described by itself: the schemas that check requests and write answers, as OpenAPI 3.1
// for programs and as one page without scripts for people.

import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { KVORUM_VERSION } from '../resp/commands/server-identity.ts';
import { type ApiDocument, apiPage } from './api-page.ts';

const ABOUT =
  'Every key belongs to a keyspace. Reads answer with a context, as the header X-Kvorum-Context ' +
  'and as the ETag; a write that hands it back replaces exactly what was read. Errors are JSON: ' +
  '{ code, message, fix, docs }. 503 means that nothing was written, 504 that nobody knows.';

/** Before the routes that it shall describe. */
export async function collectRoutes(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Kvorum', version: KVORUM_VERSION, description: ABOUT },
    },
  });
}

/** Adds /v1/openapi.json and /v1/docs. */
export function addDocument(app: FastifyInstance): void {
  const schema = { hide: true };
  app.get('/v1/openapi.json', { schema }, async () => app.swagger());
  app.get('/v1/docs', { schema }, async (_, reply) => {
    return reply
      .type('text/html; charset=utf-8')
      .send(apiPage(app.swagger() as unknown as ApiDocument));
  });
}
