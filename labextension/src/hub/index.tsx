import { createRoot } from 'react-dom/client';

import { HubApp } from './app';
import { openView } from './views';

const place = document.getElementById('vmshare');
if (place) {
  createRoot(place).render(<HubApp opened={openView(place.dataset)} />);
}
