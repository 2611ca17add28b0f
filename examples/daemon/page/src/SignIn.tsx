import { type FormEvent, type ReactNode, useState } from 'react';
import { type Identity, pasted } from './identity.ts';
import { Mark } from './icons.tsx';

/** Asks for a token where the address has brought no key. */
export function SignIn({ enter }: { enter: (identity: Identity) => void }): ReactNode {
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    try {
      enter(pasted(token.trim()));
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <main className="signin">
      <h1><Mark /> Tidings</h1>
      <p className="lead">A realtime server. It knows who is connected, delivers events to them at once, keeps what they missed, and says honestly what was delivered.</p>
      <p>This page is a chat between two windows that shows how it does so. It has to know who you are:</p>
      <ul>
        <li><strong>Started without <code>JWT_SECRET</code></strong>, the server has printed a link to this page, with <code>#key=</code> in it. Open that one: it lets this window in as alice, and the next one as bob.</li>
        <li><strong>With a secret</strong>, make a token where the secret is, and paste it here: <pre><code>tidingsd token --user alice</code></pre></li>
      </ul>
      <form onSubmit={submit}>
        <label htmlFor="token">Token</label>
        <textarea id="token" rows={4} required spellCheck={false} autoComplete="off" autoCapitalize="off" value={token} onChange={(event) => setToken(event.target.value)} aria-describedby="token-note token-problem" aria-invalid={problem !== ''} />
        <p id="token-note" className="quiet">It stays in this window, until that is closed.</p>
        <p id="token-problem" className="problem" role="alert">{problem}</p>
        <button type="submit" className="primary">Connect</button>
      </form>
      <Addresses />
    </main>
  );
}

/** What else is at this server. */
export function Addresses(): ReactNode {
  return (
    <nav aria-label="Addresses of the server" className="addresses">
      <a href="/healthz">health</a>
      <a href="/readyz">ready</a>
      <a href="/metrics">figures</a>
      <a href="/api/v1/openapi.json">HTTP API</a>
    </nav>
  );
}
