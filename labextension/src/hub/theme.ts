// Light or dark as JupyterHub's own pages are: what was chosen there, or what the system prefers.
// Runs before anything is shown.
const CHOSEN = 'jupyterhub-bs-theme';
const dark = window.matchMedia('(prefers-color-scheme: dark)');

function show(): void {
  const chosen = localStorage.getItem(CHOSEN);
  const isDark = chosen === 'dark' || (chosen !== 'light' && dark.matches);
  document.documentElement.setAttribute('data-bs-theme', isDark ? 'dark' : 'light');
}

show();
dark.addEventListener('change', show);
window.addEventListener('storage', ({ key }) => {
  if (key === CHOSEN) {
    show();
  }
});
