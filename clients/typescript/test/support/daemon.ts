import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const SECRET = 'a secret for tests alone, 32 bytes and more';

/** The daemon as users get it: a program of its own, on a free port, with a folder of its own. */
export class Daemon {
  static readonly program = process.env['TIDINGS_DAEMON'];
  readonly #folder = mkdtempSync(join(tmpdir(), 'tidings-client-'));
  #process: ChildProcess | null = null;
  #env: Record<string, string>;
  port = 0;

  constructor(env: Record<string, string> = {}) {
    this.#env = { JWT_SECRET: SECRET, RATE_LIMIT_MESSAGES_PER_MINUTE: '0', ...env };
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it, on the port that it had before. */
  async start(): Promise<this> {
    const args = ['serve', '--listen', `127.0.0.1:${this.port}`, '--data', join(this.#folder, 'data')];
    const child = spawn(Daemon.program!, args, { env: { PATH: process.env['PATH'] ?? '', ...this.#env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    const lines: string[] = [];
    createInterface({ input: child.stderr! }).on('line', (line) => lines.push(line));
    for await (const line of createInterface({ input: child.stdout! })) {
      lines.push(line);
      const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port !== undefined) {
        this.port = Number(port);
        child.stdout!.resume();
        return this;
      }
    }
    throw new Error(`the daemon did not start:\n${lines.join('\n')}`);
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  token(user: string, ...more: string[]): string {
    const env = { PATH: process.env['PATH'] ?? '', ...this.#env };
    return execFileSync(Daemon.program!, ['token', '--user', user, ...more], { env, encoding: 'utf8' }).trim();
  }
}

/** A line to the server that can be cut. */
export class Line {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #target: () => number;
  #isDown = false;
  /** Cuts a connection after so many bytes of the server, if set. */
  cutAfter: (() => number) | null = null;
  port = 0;

  constructor(target: () => number) {
    this.#target = target;
    this.#server = createServer((near) => this.#carry(near));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as { port: number }).port;
    return this;
  }

  #carry(near: Socket): void {
    if (this.#isDown) return void near.resetAndDestroy();
    const far = createConnection(this.#target(), '127.0.0.1');
    let left = this.cutAfter?.() ?? Infinity;
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.on('data', (bytes: Buffer) => {
      const part = bytes.subarray(0, left);
      left -= part.length;
      near.write(part, () => left <= 0 && near.destroy());
    });
  }

  /** Cuts what there is. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  down(isDown = true): void {
    this.#isDown = isDown;
    if (isDown) this.cut();
  }

  remove(): void {
    this.cut();
    this.#server.close();
  }
}

/** Waits until something holds. */
export const until = async (what: string, holds: () => boolean, ms = 20_000): Promise<void> => {
  const end = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
