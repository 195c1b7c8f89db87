import { createRoot } from 'react-dom/client';
import { ActionButton } from '../views/parts';
import { DOMAIN } from '../views/context';
const place = document.getElementById('vmshare');
if (place) {
  createRoot(place).render(<ActionButton>{DOMAIN}</ActionButton>);
}
