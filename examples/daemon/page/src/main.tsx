import '@tidings/react/theme.css';
import './page.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App.tsx';
import { remembered } from './identity.ts';

const identity = await remembered();
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App first={identity} />
  </StrictMode>,
);
