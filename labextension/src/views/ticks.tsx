import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import type { JSX } from 'react';
import { useState } from 'react';

import type { Profile, Tick } from '../model/ticks';
import { profileOf, PROFILES, ticked, TICKS } from '../model/ticks';
import { useTrans } from './context';
import { ActionButton } from './parts';

/** What a machine's grant lets its receiver do there: a profile, or one tick after another. */
export function TicksField(props: {
  /** Whose. */
  name: string;
  ticks: readonly Tick[];
  disabled?: boolean;
  onChange: (ticks: readonly Tick[]) => void;
}): JSX.Element {
  const trans = useTrans();
  const { name, ticks, disabled = false, onChange } = props;
  const profile = profileOf(ticks);
  const names = [...Object.keys(PROFILES), ...(profile === 'custom' ? ['custom'] : [])];
  return (
    <fieldset className="jp-VMShare-ticks" disabled={disabled}>
      <legend className="jp-VMShare-visuallyHidden">
        {trans.__('What %1 may do on it', name)}
      </legend>
      <HTMLSelect
        aria-label={trans.__('Profile of %1', name)}
        value={profile}
        disabled={disabled}
        onChange={event => onChange(ticksOf(event.target.value, ticks))}
        options={names.map(value => ({ value, label: profileName(trans, value) }))}
      />
      {TICKS.map(tick => (
        <label key={tick} title={tickMeaning(trans, tick)}>
          <input
            type="checkbox"
            checked={ticks.includes(tick)}
            onChange={event => onChange(ticked(ticks, tick, event.target.checked))}
          />
          {tickName(trans, tick)}
        </label>
      ))}
    </fieldset>
  );
}

/** The ticks of a profile; custom: those that are set. */
function ticksOf(profile: string, present: readonly Tick[]): readonly Tick[] {
  return profile === 'custom' ? present : PROFILES[profile as Profile];
}

/** The same for a grant that is there: nothing changes until it is saved. */
export function ChangeTicks(props: {
  name: string;
  ticks: readonly Tick[];
  save: (ticks: readonly Tick[]) => Promise<void>;
  onDone: () => void;
}): JSX.Element {
  const trans = useTrans();
  const [ticks, setTicks] = useState(props.ticks);
  return (
    <div className="jp-VMShare-step">
      <TicksField name={props.name} ticks={ticks} onChange={setTicks} />
      <div className="jp-VMShare-buttons">
        <ActionButton look="accept" onClick={() => void props.save(ticks).then(props.onDone)}>
          {trans.__('Save')}
        </ActionButton>
        <ActionButton onClick={props.onDone}>{trans.__('Keep as it is')}</ActionButton>
      </div>
    </div>
  );
}

/** The name of a choice of ticks. */
export function profileName(trans: TranslationBundle, profile: string): string {
  const names: Record<string, string> = {
    standard: trans.__('Standard'),
    everything: trans.__('Everything'),
    files: trans.__('Files'),
    reading: trans.__('Reading'),
    programs: trans.__('Programs'),
    custom: trans.__('Custom')
  };
  return names[profile] ?? profile;
}

/** What a tick is called. */
export function tickName(trans: TranslationBundle, tick: Tick): string {
  const names: Record<Tick, string> = {
    terminal: trans.__('Terminal'),
    files: trans.__('Files'),
    upload: trans.__('Upload'),
    download: trans.__('Download'),
    apps: trans.__('Programs'),
    invite: trans.__('Invite'),
    power: trans.__('Power')
  };
  return names[tick];
}

function tickMeaning(trans: TranslationBundle, tick: Tick): string {
  const meanings: Record<Tick, string> = {
    terminal: trans.__('Terminals and kernels. Who has them can read and copy files, too.'),
    files: trans.__('List files.'),
    upload: trans.__('Put files there, rename and delete them.'),
    download: trans.__('Read and download files.'),
    apps: trans.__('Reach programs of their own that run there.'),
    invite: trans.__('Invite others to use it, with at most the same ticks.'),
    power: trans.__('Stop and reboot it. Starting is for everybody.')
  };
  return meanings[tick];
}
