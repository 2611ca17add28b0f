import type { ReactNode } from 'react';

const icon = (paths: ReactNode) => (): ReactNode => (
  <svg viewBox="0 0 24 24" width="1.2em" height="1.2em" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">{paths}</svg>
);

export const Send = icon(<path d="M5 12h13M12 5l7 7-7 7" />);
export const Chat = icon(<path d="M20 11.5a7.5 7.5 0 0 1-10.8 6.7L4 20l1.8-5.2A7.5 7.5 0 1 1 20 11.5Z" />);
export const Sliders = icon(<path d="M4 8h9M19 8h1M4 16h1M11 16h9M16 5.5v5M8 13.5v5" />);
export const Waves = icon(<path d="M3 9c3-3 6 3 9 0s6 3 9 0M3 15c3-3 6 3 9 0s6 3 9 0" />);
export const Ring = icon(<><path d="M6 9a6 6 0 0 1 12 0c0 6 2.5 7.5 2.5 7.5h-17S6 15 6 9" /><path d="M10 20.5a2.3 2.3 0 0 0 4 0" /></>);
export const Window = icon(<><path d="M14 4h6v6M20 4l-9 9" /><path d="M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5" /></>);
export const Clock = icon(<><circle cx="12" cy="12" r="8.5" /><path d="M12 7.5V12l3 2" /></>);
export const Tick = icon(<path d="m5 12.5 4.5 4.5L19 7.5" />);
export const Ticks = icon(<path d="m2.5 12.5 4.5 4.5L16 7.5M12 16.5l.6.5L21.5 7.5" />);
export const Warning = icon(<><path d="M12 4 2.8 20h18.4L12 4Z" /><path d="M12 10v4.5M12 17.3v.1" /></>);
export const Down = icon(<path d="M12 5v14M5.5 12.5 12 19l6.5-6.5" />);

/** The project's own. */
export const Mark = (): ReactNode => (
  <svg className="mark" viewBox="0 0 32 32" width="1.3em" height="1.3em" aria-hidden="true">
    <rect width="32" height="32" rx="8" fill="var(--accent)" />
    <path d="M7 12.5c3-3 6 3 9 0s6 3 9 0M7 19.5c3-3 6 3 9 0s6 3 9 0" fill="none" stroke="var(--on-accent)" strokeWidth="2.6" strokeLinecap="round" />
  </svg>
);
