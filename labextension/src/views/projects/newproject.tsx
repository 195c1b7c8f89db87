import type { JSX } from 'react';
import { useState } from 'react';

import { NameTaken } from '../../api/problem';
import type { ProjectQuota } from '../../api/types';
import { useTrans } from '../context';
import { ActionButton, Message, useDeed } from '../parts';
import { Failure, Labelled } from './pieces';
import type { QuotaTyped } from './quotafields';
import { QuotaFields, quotaOf } from './quotafields';

/** A project as it is typed. */
export interface WantedProject {
  name: string;
  description: string;
  quota: ProjectQuota;
  /** Nobody: who makes it. */
  administrators: string[];
}

/** What a project is to be called and may hold: to be asked for, or made at once. */
export function NewProjectForm(props: {
  /** Whether it is made at once. */
  isMade: boolean;
  send: (asked: WantedProject) => Promise<void>;
  close: () => void;
}): JSX.Element {
  const trans = useTrans();
  const { isMade, send, close } = props;
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [administrators, setAdministrators] = useState('');
  const [quota, setQuota] = useState<QuotaTyped>({});
  const { isBusy, error, run } = useDeed();
  const submit = async (): Promise<void> => {
    const names = administrators.split(/[\s,;]+/u).filter(one => one !== '');
    const asked = { name: name.trim(), description: description.trim(), quota: quotaOf(quota) };
    await send({ ...asked, administrators: names });
    close();
  };
  return (
    <form
      onSubmit={event => {
        event.preventDefault();
        void run(submit);
      }}
    >
      {!isMade && (
        <p>{trans.__('A hub admin answers. You administer it once they have said yes.')}</p>
      )}
      <Labelled label={trans.__('Name')} hint={trans.__('No other project may have it.')}>
        {(id, hint) => (
          <input
            id={id}
            aria-describedby={hint}
            required
            maxLength={255}
            value={name}
            onChange={event => setName(event.target.value)}
          />
        )}
      </Labelled>
      <Labelled
        label={trans.__('Description')}
        hint={trans.__('What it is for, and from when to when it is needed.')}
      >
        {(id, hint) => (
          <textarea
            id={id}
            aria-describedby={hint}
            rows={3}
            maxLength={4000}
            value={description}
            onChange={event => setDescription(event.target.value)}
          />
        )}
      </Labelled>
      {isMade && (
        <Labelled
          label={trans.__('Administrators')}
          hint={trans.__('Their JupyterHub names, with spaces between. Empty: you.')}
        >
          {(id, hint) => (
            <input
              id={id}
              aria-describedby={hint}
              autoCapitalize="off"
              spellCheck={false}
              value={administrators}
              onChange={event => setAdministrators(event.target.value)}
            />
          )}
        </Labelled>
      )}
      <QuotaFields typed={quota} onChange={setQuota} />
      <Failure error={error} />
      {error instanceof NameTaken && error.suggestion && (
        <Message kind="info">
          {trans.__('"%1" is free.', error.suggestion)}{' '}
          <ActionButton onClick={() => setName(error.suggestion)}>
            {trans.__('Call it that')}
          </ActionButton>
        </Message>
      )}
      <div className="jp-VMShare-buttons">
        <ActionButton type="submit" look="accept" disabled={isBusy}>
          {isMade ? trans.__('Make it') : trans.__('Ask for it')}
        </ActionButton>
        <ActionButton onClick={close}>{trans.__('Not now')}</ActionButton>
      </div>
    </form>
  );
}
