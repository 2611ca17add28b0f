/** Hooks and components for React, round a client of `@tidings/client`. */

export { BEGINNING, type Channel, type ChannelEntry, type ChannelOptions, useChannel } from './channel.ts';
export { type ConnectionState, useConnection } from './connection.ts';
export { ConnectionStatus, type ConnectionStatusProps, type ConnectionWords } from './ConnectionStatus.tsx';
export { type Client, type GivenClient, type MadeClient, TidingsProvider, useTidings } from './context.tsx';
export { NotificationCenter, type NotificationCenterProps, type NotificationWords } from './NotificationCenter.tsx';
export {
  type Notification,
  NOTIFICATION,
  type NotificationOptions,
  type Notifications,
  type NotificationStorage,
  useNotifications,
} from './notifications.ts';
export { useOwnPresence, usePresence } from './presence.ts';
export { type Typing, TYPING_START, TYPING_STOP, type TypingOptions, useTyping } from './typing.ts';
