// An OpenID provider with clients that log in by their own secrets, and get signed access tokens (RFC 9068).
// node provider.mjs <a JSON file: port, packages, keys, clients>
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const told = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { default: Provider } = createRequire(`${told.packages}/`)('oidc-provider');
const clients = Object.fromEntries(told.clients.map((client) => [client.id, client]));

const provider = new Provider(`http://127.0.0.1:${told.port}`, {
  jwks: { keys: told.keys },
  clients: told.clients.map((client) => ({
    client_id: client.id,
    client_secret: client.secret,
    grant_types: ['client_credentials', 'authorization_code'],
    redirect_uris: ['http://127.0.0.1/back'],
    response_types: ['code'],
  })),
  cookies: { keys: ['for tests'] },
  pkce: { required: () => false },
  features: {
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource, client) => ({
        audience: resource,
        scope: clients[client.clientId].scope,
        accessTokenFormat: 'jwt',
        accessTokenTTL: clients[client.clientId].seconds,
        jwt: { sign: { alg: clients[client.clientId].algorithm } },
      }),
    },
  },
});
createServer(provider.callback()).listen(told.port, '127.0.0.1');
