import { LabIcon } from '@jupyterlab/ui-components';

/** A folder with an arrow upwards: a directory goes up with all that is in it. */
export const uploadDirectoryIcon = new LabIcon({
  name: 'vmshare:upload-directory',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M20 6h-8l-2-2H4a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h16a2 2 0 0 0 2-2V8a2 2 0 0 0-2-2zm0 12H4V6h5.2l2 2H20v10zM8 13h3v4h2v-4h3l-4-4z"/>
</svg>`
});
