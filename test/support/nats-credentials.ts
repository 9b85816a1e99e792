/** An operator, two accounts and a user that trust each other, signed afresh: what `nsc` makes for a server with decentralised authentication. */
import { createHash } from 'node:crypto';
import { nkeys } from 'nats';

const UNLIMITED = {
  subs: -1,
  data: -1,
  payload: -1,
  conn: -1,
  leaf: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
};
const STORAGE = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

type Keys = ReturnType<typeof nkeys.createUser>;

/** `config`: lines for nats-server; `credentials`: the user's file. */
export function signedIdentities(): { readonly config: string; readonly credentials: string } {
  const operator = nkeys.createOperator();
  const system = nkeys.createAccount();
  const account = nkeys.createAccount();
  const user = nkeys.createUser();
  const operatorToken = signed(operator, operator, {
    type: 'operator',
    version: 2,
    system_account: system.getPublicKey(),
  });
  const systemToken = signed(operator, system, { type: 'account', version: 2, limits: UNLIMITED });
  const accountToken = signed(operator, account, { type: 'account', version: 2, limits: { ...UNLIMITED, ...STORAGE } });
  const userToken = signed(account, user, { type: 'user', version: 2, subs: -1, data: -1, payload: -1 });
  const seed = new TextDecoder().decode(user.getSeed());
  return {
    config: [
      `operator: ${operatorToken}`,
      `system_account: ${system.getPublicKey()}`,
      'resolver: MEMORY',
      `resolver_preload: { ${system.getPublicKey()}: ${systemToken}, ${account.getPublicKey()}: ${accountToken} }`,
    ].join('\n'),
    credentials: [
      `-----BEGIN NATS USER JWT-----\n${userToken}\n------END NATS USER JWT------\n`,
      `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
    ].join('\n'),
  };
}

/** A token in which `issuer` says who `subject` is and what it may do. */
function signed(issuer: Keys, subject: Keys, nats: object): string {
  const claims = {
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name: 'test',
    nats,
  };
  const jti = createHash('sha256').update(JSON.stringify(claims)).digest('hex');
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode({ jti, ...claims })}`;
  return `${body}.${Buffer.from(issuer.sign(new TextEncoder().encode(body))).toString('base64url')}`;
}
