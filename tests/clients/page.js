// A client of Tidings over the browser's own WebSocket. It runs in the page.

const PATIENCE_MS = 15_000;

/** Settles as `promise` does, unless that takes too long. */
function inTime(what, promise) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`${what} did not come in ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]);
}

/** One connection. `offered` are subprotocols. */
class Client {
  frames = [];
  lastId = 0;
  wake = () => {};

  constructor(url, offered) {
    this.socket = new WebSocket(url, offered);
    this.socket.binaryType = 'arraybuffer';
    this.socket.onmessage = ({ data }) => {
      this.frames.push(...this.read(data).filter((frame) => !('ping' in frame)));
      this.wake();
    };
    this.closed = new Promise((resolve) => {
      this.socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
    });
    this.opened = new Promise((resolve) => (this.socket.onopen = () => resolve('open')));
  }

  /** Connects as whose token this is. Resolves to what `connected` holds. */
  async connect(token) {
    const state = await inTime('a handshake', Promise.race([this.opened, this.closed]));
    if (state !== 'open') throw new Error(`closed: ${JSON.stringify(state)}`);
    return (await this.answer('connect', { token })).connected;
  }

  get isBinary() {
    return this.socket.protocol === 'tidings.v1.msgpack';
  }

  read(data) {
    if (this.isBinary) return [...MessagePack.decodeMulti(data)];
    return data.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
  }

  /** Waits for the next frame that `wanted` wants, and takes it. */
  async take(what, wanted) {
    for (;;) {
      const at = this.frames.findIndex(wanted);
      if (at >= 0) return this.frames.splice(at, 1)[0];
      await inTime(what, new Promise((resolve) => (this.wake = resolve)));
    }
  }

  /** Gives a command and takes the frame that answers it. */
  answer(command, body) {
    const frame = { id: ++this.lastId, [command]: body };
    this.socket.send(this.isBinary ? MessagePack.encode(frame) : JSON.stringify(frame));
    const { id } = frame;
    return this.take(`the answer to ${command}`, (one) => one.id === id);
  }

  /** The next `count` entries, in the order in which they came. */
  async entries(count) {
    const entries = [];
    while (entries.length < count) entries.push((await this.take('an entry', (one) => 'entry' in one)).entry);
    return entries;
  }
}
