import { LabIcon } from '@jupyterlab/ui-components';

/** Two people in a folder: the side bar's tab, and all of the extension's tabs. */
export const sharedFolderIcon = new LabIcon({
  name: 'vmshare:shared-folder',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M20 6h-8l-2-2H4a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h4.05a5.6 5.6 0 0 1 0-2H4V8h16v4.1c.77.3 1.45.76 2 1.4V8a2 2 0 0 0-2-2z"/>
    <circle cx="12.6" cy="14.1" r="2.1"/>
    <circle cx="18.6" cy="14.1" r="2.1"/>
    <path d="M12.6 17.2c-1.9 0-3.6.95-3.6 2.55V21h7.2v-1.25c0-1.6-1.7-2.55-3.6-2.55z"/>
    <path d="M18.6 17.2c-.5 0-1 .07-1.45.2.65.6 1.05 1.4 1.05 2.35V21h4v-1.25c0-1.6-1.7-2.55-3.6-2.55z"/>
  </g>
</svg>`
});

/** A folder, and a person who is added: the share button. */
export const shareIcon = new LabIcon({
  name: 'vmshare:share',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M15 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-9-2V7H4v3H1v2h3v3h2v-3h3v-2H6zm9 4c-2.67 0-8 1.34-8 4v2h16v-2c0-2.66-5.33-4-8-4z"/>
</svg>`
});
