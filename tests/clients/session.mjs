// Sessions with Node's `ws`.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Client, inTime, main, pack } from './wire.mjs';

const VALUES = [
  null,
  true,
  {},
  [],
  '',
  'grüße, 世界, 🦀, \u2028, "quoted\\"',
  [0, -1, 127, 128, 255, 256, 65_536, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
  [0.5, -1.25, 0.1, 1e300, 5e-324],
  { z: 1, a: { '': [{ k: null }] }, ключ: 'значение' },
  'x'.repeat(30_000),
  Array.from({ length: 2_000 }, (_, n) => n),
];

const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
const data = (entries) => entries.map((entry) => entry.data);

async function two(url, tokens, codec) {
  const alice = await Client.open(url, codec);
  const bob = await Client.open(url, codec);
  assert.equal((await alice.connect(tokens.alice)).user, 'alice');
  await bob.connect(tokens.bob);
  return [alice, bob];
}

/** Connect, subscribe, publish, receive, unsubscribe, leave. */
async function session(url, tokens, codec) {
  const [alice, bob] = await two(url, tokens, codec);
  const subscribed = await bob.subscribe('messaging:lobby');
  assert.deepEqual([subscribed.offset, subscribed.recovered], [0, 'none']);
  for (const [at, value] of VALUES.entries()) {
    const published = await alice.publish('messaging:lobby', value);
    assert.deepEqual([published.offset, published.stream], [at + 1, subscribed.stream]);
  }
  const entries = await bob.entries(VALUES.length);
  assert.deepEqual(data(entries), VALUES);
  assert.ok(entries.every((entry) => entry.from === 'alice'));
  await bob.done('unsubscribe', 'unsubscribed', { channel: 'messaging:lobby' });
  await alice.publish('messaging:lobby', 'unheard');
  await bob.quiet();
  bob.socket.close(4321, 'bye');
  assert.equal((await inTime('the end', bob.closed)).code, 4321);
}

/** What one codec publishes is heard by the other; binary data becomes base64 in JSON. */
async function codecs(url, tokens, codec) {
  const alice = await Client.open(url, codec);
  const bob = await Client.open(url, codec === 'json' ? 'msgpack' : 'json');
  await alice.connect(tokens.alice);
  await bob.connect(tokens.bob);
  await bob.subscribe('messaging:codecs');
  for (const value of VALUES) await alice.publish('messaging:codecs', value);
  assert.deepEqual(data(await bob.entries(VALUES.length)), VALUES);
  if (codec === 'msgpack') {
    await alice.publish('messaging:codecs', { bytes: Uint8Array.of(0, 255, 16) });
    assert.deepEqual(data(await bob.entries(1)), [{ bytes: 'AP8Q' }]);
    await alice.subscribe('messaging:codecs');
    await alice.publish('messaging:codecs', 2n ** 64n - 1n);
    assert.deepEqual(data(await alice.entries(1)), [2n ** 64n - 1n]);
  }
}

/** What followed a position comes, and nothing else. */
async function resume(url, tokens, codec) {
  const [alice, first] = await two(url, tokens, codec);
  const { epoch } = await first.subscribe('messaging:resume');
  for (const n of numbers(1, 10)) await alice.publish('messaging:resume', n);
  await first.entries(10);
  first.socket.terminate();
  for (const n of numbers(11, 30)) await alice.publish('messaging:resume', n);
  const bob = await Client.open(url, codec);
  await bob.connect(tokens.bob);
  assert.equal((await bob.subscribe('messaging:resume', { epoch, offset: 10 })).recovered, 'complete');
  await alice.publish('messaging:resume', 31);
  assert.deepEqual(data(await bob.entries(21)), numbers(11, 31));
  await bob.quiet();
}

/** An event for a user comes to both devices of theirs. */
async function send(url, tokens, codec) {
  const [alice, bob] = await two(url, tokens, codec);
  const tablet = await Client.open(url, codec);
  const { inbox } = await tablet.connect(tokens.bob);
  const body = { user: 'bob', namespace: 'realtime', event: 'hello', data: { n: 1 } };
  assert.equal((await alice.done('send', 'sent', body)).sessions, 2);
  for (const device of [bob, tablet]) {
    const [entry] = await device.entries(1);
    assert.deepEqual([entry.stream, entry.event, entry.data], [inbox.stream, 'hello', { n: 1 }]);
  }
}

/** Many frames in one message, and one message in many fragments, a ping among them. */
async function frames(url, tokens, codec) {
  const [alice, bob] = await two(url, tokens, codec);
  await bob.subscribe('messaging:frames');
  const publication = (n) => ({ channel: 'messaging:frames', event: 'E', data: n });
  alice.send(...numbers(0, 199).map((n) => ({ id: 100 + n, publish: publication(n) })));
  for (const id of numbers(100, 299)) assert.equal((await alice.frame()).id, id);
  assert.deepEqual(data(await bob.entries(200)), numbers(0, 199));

  const text = 'ü🦀'.repeat(4_000);
  const message = Buffer.from(pack(codec, [{ id: 1, publish: publication(text) }]));
  const binary = codec === 'msgpack';
  for (let at = 0; at < message.length; at += 100) {
    // Characters are cut in two as well.
    alice.socket.send(message.subarray(at, at + 100), { binary, fin: at + 100 >= message.length });
    if (at === 10_000) {
      const pong = once(alice.socket, 'pong');
      alice.socket.ping('between');
      assert.equal((await inTime('a pong', pong))[0].toString(), 'between');
    }
  }
  assert.ok('published' in (await alice.frame()));
  assert.deepEqual(data(await bob.entries(1)), [text]);
}

/** The library's pings are answered. */
async function pings(url, tokens, codec) {
  const [alice] = await two(url, tokens, codec);
  for (const payload of ['', 'x', 'y'.repeat(125)]) {
    const pong = once(alice.socket, 'pong');
    alice.socket.ping(payload);
    assert.equal((await inTime('a pong', pong))[0].toString(), payload);
  }
  await alice.quiet();
}

/** A bad token ends the connection for good; a bad command does not end it. */
async function refused(url, tokens, codec) {
  const alice = await Client.open(url, codec);
  await alice.connect(tokens.alice);
  assert.equal((await alice.answer('subscribe', { channel: 'nowhere' })).error.name, 'bad_request');
  await alice.quiet();

  const mallory = await Client.open(url, codec);
  const answer = await mallory.answer('connect', { token: tokens.alice.slice(0, -2) });
  assert.equal(answer.error.code, 2001);
  assert.equal((await mallory.frame()).close.code, 3500);
  assert.deepEqual(await inTime('the end', mallory.closed), { code: 3500, reason: 'unauthorized' });
}

await main({ session, codecs, resume, send, frames, pings, refused });
