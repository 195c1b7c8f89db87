import type { JSX } from 'react';

import type { PagedList } from '../../model/pagedlist';
import { useSignal, useTrans } from '../context';
import { ActionButton } from '../parts';
import { Failure } from '../projects/pieces';

/** What is said below a list that comes in pages: that it comes, is empty, or goes on. */
export function More<T>(props: { list: PagedList<T>; empty: string }): JSX.Element {
  const trans = useTrans();
  const { list, empty } = props;
  useSignal(list.changed);
  const { items, isLoaded, isLoading, hasMore, error } = list;
  return (
    <>
      <Failure error={error} />
      <p role="status" className="jp-VMShare-detail">
        {isLoading && trans.__('Looking…')}
        {!isLoading && isLoaded && items.length === 0 && empty}
      </p>
      {hasMore && (
        <div className="jp-VMShare-buttons">
          <ActionButton disabled={isLoading} onClick={() => void list.more()}>
            {trans.__('Show more')}
          </ActionButton>
        </div>
      )}
    </>
  );
}
