import { type FormEvent, type KeyboardEvent, type ReactNode, useState } from 'react';
import { Send } from './icons.tsx';

/** Most characters of a message: well below what the server takes. */
const TEXT_MAX = 4_000;

/** Where one writes. Enter sends, with Shift it begins a line. */
export function Composer({ send, type }: { send: (text: string) => void; type: () => void }): ReactNode {
  const [text, setText] = useState('');
  const submit = (event?: FormEvent): void => {
    event?.preventDefault();
    const trimmed = text.trim();
    if (trimmed === '') return;
    setText('');
    send(trimmed);
  };
  const keyed = (event: KeyboardEvent): void => {
    // A key that chooses among the words of an input method sends nothing.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    submit();
  };
  return (
    <form className="composer" onSubmit={submit}>
      <label className="hidden" htmlFor="text">Message</label>
      <textarea
        id="text"
        rows={1}
        value={text}
        maxLength={TEXT_MAX}
        placeholder="Write a message"
        onChange={(event) => {
          setText(event.target.value);
          type();
        }}
        onKeyDown={keyed}
      />
      <button type="submit" className="primary round" aria-label="Send"><Send /></button>
    </form>
  );
}
