import { Dialog, InputDialog, showDialog, showErrorMessage } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import { NameTaken, sentenceOf } from '../api/problem';

/** What a dialog that asks for a name says. */
export interface NameAsked {
  title: string;
  label: string;
  initial: string;
  ok: string;
  /** Whether an empty answer is one. */
  mayBeEmpty?: boolean;
}

/**
 * Asks for a name until `deed` accepts it or the person gives up.
 *
 * A refusal is said above the field, with the suggestion that came with it.
 */
export async function askName(
  asked: NameAsked,
  deed: (name: string) => Promise<unknown>
): Promise<boolean> {
  let { label, initial: text } = asked;
  for (;;) {
    const answer = await InputDialog.getText({
      title: asked.title,
      label,
      text,
      okLabel: asked.ok,
      selectionRange: stemLength(text)
    });
    const name = (answer.value ?? '').trim();
    if (!answer.button.accept || (!name && !asked.mayBeEmpty)) {
      return false;
    }
    try {
      await deed(name);
      return true;
    } catch (error) {
      label = sentenceOf(error);
      text = error instanceof NameTaken ? error.suggestion || name : name;
    }
  }
}

/** Asks before something that hurts. */
export async function confirm(
  title: string,
  body: string,
  ok: string,
  trans: TranslationBundle
): Promise<boolean> {
  const { button } = await showDialog({
    title,
    body,
    buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.warnButton({ label: ok })],
    defaultButton: 0
  });
  return button.accept;
}

/** Does something, and tells the person when it did not work. */
export async function attempt(title: string, deed: () => Promise<unknown>): Promise<void> {
  try {
    await deed();
  } catch (error) {
    await showErrorMessage(title, sentenceOf(error));
  }
}

/** Lets the person choose one of several things by name. */
export async function choose<T>(
  title: string,
  label: string,
  items: readonly T[],
  nameOf: (item: T) => string
): Promise<T | null> {
  const names = items.map(nameOf);
  const answer = await InputDialog.getItem({ title, label, items: names });
  return answer.button.accept ? (items[names.indexOf(answer.value ?? '')] ?? null) : null;
}

/** How much of a name is usually changed: all but its extension. */
function stemLength(name: string): number {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? dot : name.length;
}
