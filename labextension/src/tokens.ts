import { Token } from '@lumino/coreutils';

import type { VMShareModel } from './model/vmshare';

/** What is shared with the visitor and by them, live. */
export type IVMShare = VMShareModel;

/** For other extensions that show or act on shared folders. */
export const IVMShare = new Token<IVMShare>(
  'jupyter-vmshare:IVMShare',
  'What is shared with the person and by them: folders, invitations, and what may be done.'
);
