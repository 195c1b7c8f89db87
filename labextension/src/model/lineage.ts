import type { GrantView, PeopleOfThing } from '../api/types';

type Person = NonNullable<PeopleOfThing['people']>[number];
type Source = Person['sources'][number];
type Answer = Source['answer'];

/** Somebody, a team or a project, to whom a thing was given, and what they gave on. */
export interface Branch {
  grant: GrantView;
  /** Of a person: this way beside their others. */
  way: Way | null;
  /** Of a team or a project: each member with their own answer. */
  members: readonly Member[];
  /** What was given on from here. */
  below: readonly Branch[];
}

/** A member of a team or a project that received a thing. */
export interface Member {
  name: string;
  answer: Answer;
  /** An administrator's level for them, in the place of the project's. */
  override: string | null;
  way: Way;
}

/** One of the ways by which somebody has a thing. */
export interface Way {
  /** What counts for them now, by all their ways; null: nothing yet. */
  counts: string | null;
  /** By how many ways they have it. */
  ways: number;
  /** How many of these give what counts. */
  same: number;
  /** Whether it gives them anything: an invitation without an answer does not. */
  gives: boolean;
}

/** Who has a thing from whom: the branches below its owner. */
export function branchesOf(told: PeopleOfThing): readonly Branch[] {
  const known = new Set(told.grants.map(({ id }) => id));
  // What was given by somebody whose own grant is not there (any more) hangs on the owner.
  const isTop = ({ parent_id: parent }: GrantView): boolean => parent == null || !known.has(parent);
  return below(told, told.grants.filter(isTop), new Set());
}

function below(
  told: PeopleOfThing,
  grants: readonly GrantView[],
  above: ReadonlySet<string>
): readonly Branch[] {
  return grants.map(grant => {
    // Grants never go round in a circle; a picture that did would never end.
    const path = new Set([...above, grant.id]);
    const next = told.grants.filter(
      ({ id, parent_id: parent }) => parent === grant.id && !path.has(id)
    );
    const isOfMany = grant.receiver.kind !== 'person';
    const person = isOfMany ? undefined : personIn(told, grant.receiver.name);
    return {
      grant,
      way: person ? wayOf(person, grant.id) : null,
      members: isOfMany ? membersOf(told, grant.id) : [],
      below: below(told, next, path)
    };
  });
}

function personIn({ people = [] }: PeopleOfThing, name: string): Person | undefined {
  return people.find(person => person.name === name);
}

function membersOf({ people = [] }: PeopleOfThing, grantId: string): Member[] {
  return people.flatMap(person =>
    person.sources
      .filter(source => source.grant_id === grantId)
      .map(({ answer, override = null }) => ({
        name: person.name,
        answer,
        override,
        way: wayOf(person, grantId)
      }))
  );
}

function wayOf({ level = null, sources }: Person, grantId: string): Way {
  const giving = sources.filter(gives);
  return {
    counts: level,
    ways: sources.length,
    same: giving.filter(source => (source.override ?? source.level) === level).length,
    gives: giving.some(source => source.grant_id === grantId)
  };
}

/** What a team or a project has counts for its members at once, until they say no. */
function gives({ answer, team, project }: Source): boolean {
  return answer === 'accepted' || ((team ?? project) != null && answer === 'none');
}

/** How many people, how many of them have not answered, and which end comes first. */
export function summaryOf(told: PeopleOfThing): {
  people: number;
  waiting: number;
  nextEnd: string | null;
} {
  const { people = [], grants } = told;
  const ends = grants.flatMap(({ ends_at: at }) => at ?? []).sort();
  return {
    people: people.length,
    waiting: people.filter(({ accepted }) => !accepted).length,
    nextEnd: ends[0] ?? null
  };
}
