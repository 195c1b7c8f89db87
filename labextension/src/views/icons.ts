import { LabIcon } from '@jupyterlab/ui-components';

/** A folder with an arrow upwards: a directory goes up with all that is in it. */
export const uploadDirectoryIcon = new LabIcon({
  name: 'vmshare:upload-directory',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M20 6h-8l-2-2H4a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h16a2 2 0 0 0 2-2V8a2 2 0 0 0-2-2zm0 12H4V6h5.2l2 2H20v10zM8 13h3v4h2v-4h3l-4-4z"/>
</svg>`
});

/** A computer. */
export const machineIcon = new LabIcon({
  name: 'vmshare:machine',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M20 3H4a2 2 0 0 0-2 2v11a2 2 0 0 0 2 2h6v2H8v2h8v-2h-2v-2h6a2 2 0 0 0 2-2V5a2 2 0 0 0-2-2zm0 13H4V5h16z"/>
</svg>`
});

/** A disk with its light. */
export const driveIcon = new LabIcon({
  name: 'vmshare:drive',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M6 2a2 2 0 0 0-2 2v16a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V4a2 2 0 0 0-2-2zm0 2h12v16H6zm6 1.5a5 5 0 1 0 0 10 5 5 0 0 0 0-10zm0 3.5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3zM8 17h5v1.6H8z"/>
</svg>`
});
