/* Generated from hub_service/jupyterhub_vmshare/api/openapi.json: `npm run generate:api`. */

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * Acceptance
         * @description The answer yes; ``alias`` when the name is taken on the caller's side.
         */
        Acceptance: {
            /**
             * Alias
             * @default null
             */
            alias?: string | null;
        };
        /**
         * AliasChoice
         * @description A name of the caller's own for a folder; null takes it away.
         */
        AliasChoice: {
            /** Alias */
            alias: string | null;
        };
        /**
         * Credential
         * @description Through what the caller acts, and what that takes away.
         */
        Credential: {
            kind: components["schemas"]["CredentialKind"];
            /**
             * Server
             * @description The notebook server it is limited to.
             * @default null
             */
            server?: string | null;
            /**
             * Read Only
             * @default false
             */
            read_only?: boolean;
            /**
             * Because
             * @description Why it is read-only, in a sentence.
             * @default null
             */
            because?: string | null;
        };
        /**
         * CredentialKind
         * @description Through what a person acts (who may do what differs by it).
         * @enum {string}
         */
        CredentialKind: "panel" | "kernel" | "page";
        /**
         * Cut
         * @description What a revoke, a downgrade or a leave reached, and what it can't undo.
         */
        Cut: {
            /** Ended */
            ended?: components["schemas"]["GrantView"][];
            /**
             * Sessions Cut
             * @description Running sessions in which a mount was closed.
             * @default 0
             */
            sessions_cut?: number;
            /**
             * Cannot Undo
             * @description What stays with the person, in a sentence.
             */
            cannot_undo: string;
        };
        /**
         * EndedWhy
         * @description Why a grant ended.
         * @enum {string}
         */
        EndedWhy: "declined" | "cancelled" | "revoked" | "left" | "expired" | "superseded" | "team_left" | "giver_lost" | "handed_over" | "thing_deleted";
        /**
         * EntriesAsked
         * @description Which entries of which directory.
         */
        EntriesAsked: {
            /**
             * Path
             * @description A directory; left out: the top.
             * @default
             */
            path?: string;
            /**
             * Q
             * @description Only names with this in them.
             * @default
             */
            q?: string;
            /**
             * After
             * @default null
             */
            after?: string | null;
            /**
             * Limit
             * @default 200
             */
            limit?: number;
        };
        /**
         * EntriesPage
         * @description Entries of one directory: directories first, then by name.
         */
        EntriesPage: {
            /**
             * Next
             * @default null
             */
            next?: string | null;
            /** Path */
            path: string;
            /** Items */
            items: components["schemas"]["EntryView"][];
        };
        /**
         * EntryKind
         * @description What an entry is. Anything that is neither file nor directory is ``other``.
         * @enum {string}
         */
        EntryKind: "file" | "directory" | "link" | "other";
        /**
         * EntryView
         * @description A file or directory in a folder.
         */
        EntryView: {
            /** Name */
            name: string;
            /** Path */
            path: string;
            kind: components["schemas"]["EntryKind"];
            /**
             * Size
             * @description Bytes; null for directories.
             * @default null
             */
            size?: number | null;
            /** Modified At */
            modified_at: string;
        };
        /**
         * EventView
         * @description Something that happened, past tense; never a secret or a path outside the thing.
         */
        EventView: {
            /**
             * Position
             * @description Grows by one an event; the SSE id.
             */
            position: number;
            /**
             * Type
             * @description Such as grant.accepted.
             */
            type: string;
            /** At */
            at: string;
            /**
             * Actor
             * @description null: the service itself.
             */
            actor: string | null;
            /**
             * Thing Id
             * @default null
             */
            thing_id?: string | null;
            /**
             * Thing Name
             * @default null
             */
            thing_name?: string | null;
            /** Data */
            data?: {
                [key: string]: unknown;
            };
        };
        /**
         * EventsAsked
         * @description Which of the caller's events.
         */
        EventsAsked: {
            /**
             * Before
             * @description Only older ones.
             * @default null
             */
            before?: number | null;
            /**
             * Limit
             * @default 50
             */
            limit?: number;
        };
        /**
         * EventsPage
         * @description The caller's events, newest first.
         */
        EventsPage: {
            /**
             * Next
             * @description For ?before=; null on the last page.
             * @default null
             */
            next?: string | null;
            /** Items */
            items: components["schemas"]["EventView"][];
            /**
             * Position
             * @description The newest position; where a stream may begin.
             */
            position: number;
        };
        /**
         * FieldError
         * @description What is wrong with one field of a request.
         */
        FieldError: {
            /** Where */
            where: string;
            /** Message */
            message: string;
        };
        /**
         * FolderRename
         * @description The new name, for everybody.
         */
        FolderRename: {
            /** Name */
            name: string;
        };
        /**
         * FolderView
         * @description A folder as the caller sees it; ``actions`` is what they may do with it now.
         */
        FolderView: {
            /** Id */
            id: string;
            /**
             * Name
             * @description The owner's name for it.
             */
            name: string;
            /**
             * Label
             * @description What to show the caller: their alias, or the name.
             */
            label: string;
            /**
             * Alias
             * @default null
             */
            alias?: string | null;
            /** Owner */
            owner: string;
            relation: components["schemas"]["Relation"];
            /**
             * Level
             * @description owner, or a folder level.
             */
            level: string;
            state: components["schemas"]["ThingState"];
            /** Created At */
            created_at: string;
            /**
             * Ends At
             * @description When the caller's access ends.
             * @default null
             */
            ends_at?: string | null;
            /**
             * Shared With
             * @description Pending and live grants on it; null where the caller may not see.
             * @default null
             */
            shared_with?: number | null;
            /** Actions */
            actions: string[];
            /** Version */
            version: number;
        };
        /**
         * FoldersAsked
         * @description Which of the caller's folders.
         */
        FoldersAsked: {
            /**
             * @description Left out: both.
             * @default null
             */
            relation?: components["schemas"]["Relation"] | null;
            /**
             * @description The trash is its owner's alone.
             * @default live
             */
            state?: components["schemas"]["ListedState"];
            /**
             * Q
             * @description Only labels with this in them.
             * @default
             */
            q?: string;
            /**
             * After
             * @default null
             */
            after?: string | null;
            /**
             * Limit
             * @default 100
             */
            limit?: number;
        };
        /**
         * FoldersPage
         * @description Folders, by label.
         */
        FoldersPage: {
            /**
             * Next
             * @default null
             */
            next?: string | null;
            /** Items */
            items: components["schemas"]["FolderView"][];
        };
        /**
         * GrantChange
         * @description What to change of a pending or live grant; a field left out stays as it is.
         */
        GrantChange: {
            /**
             * Level
             * @default null
             */
            level?: string | null;
            /**
             * Ends At
             * @description null takes the end date away.
             * @default null
             */
            ends_at?: string | null;
        };
        /**
         * GrantResult
         * @description What became of one receiver of a batch: a grant, or a problem.
         */
        GrantResult: {
            /** Receiver */
            receiver: string;
            /** @default null */
            grant?: components["schemas"]["GrantView"] | null;
            /** @default null */
            problem?: components["schemas"]["Problem"] | null;
        };
        /**
         * GrantResults
         * @description In the order of the request.
         */
        GrantResults: {
            /** Results */
            results: components["schemas"]["GrantResult"][];
        };
        /**
         * GrantState
         * @description A pending grant is an invitation and gives nothing yet.
         * @enum {string}
         */
        GrantState: "pending" | "active" | "ended";
        /**
         * GrantView
         * @description A grant as people who may see the thing's people see it.
         */
        GrantView: {
            /** Id */
            id: string;
            /** Thing Id */
            thing_id: string;
            thing_kind: components["schemas"]["ThingKind"];
            receiver: components["schemas"]["Receiver"];
            /** Giver */
            giver: string;
            /** Level */
            level: string;
            state: components["schemas"]["GrantState"];
            /**
             * Parent Id
             * @default null
             */
            parent_id?: string | null;
            /** Created At */
            created_at: string;
            /**
             * Answered At
             * @default null
             */
            answered_at?: string | null;
            /**
             * Ends At
             * @default null
             */
            ends_at?: string | null;
            /**
             * Ended At
             * @default null
             */
            ended_at?: string | null;
            /** @default null */
            ended_why?: components["schemas"]["EndedWhy"] | null;
            /**
             * Version
             * @description The ETag, as a number.
             */
            version: number;
        };
        /**
         * Health
         * @description Whether the service can do its work.
         */
        Health: {
            /** Status */
            status: string;
            /** Version */
            version: string;
            /** Database */
            database: string;
            /** Hub */
            hub: string;
        };
        /**
         * InvitationView
         * @description A grant that waits for the caller's answer: name, owner, level, dates; nothing inside.
         */
        InvitationView: {
            /** Id */
            id: string;
            /** Thing Id */
            thing_id: string;
            thing_kind: components["schemas"]["ThingKind"];
            /** Thing Name */
            thing_name: string;
            /** Owner */
            owner: string;
            /** Giver */
            giver: string;
            /** Level */
            level: string;
            receiver: components["schemas"]["Receiver"];
            /** Created At */
            created_at: string;
            /**
             * Ends At
             * @default null
             */
            ends_at?: string | null;
            /**
             * Available
             * @description False while the thing is in the trash.
             */
            available: boolean;
            /** Version */
            version: number;
            /**
             * Suggested Alias
             * @description Set when the caller already has something of that name.
             * @default null
             */
            suggested_alias?: string | null;
        };
        /**
         * InvitationsPage
         * @description The caller's open invitations, newest first.
         */
        InvitationsPage: {
            /**
             * Next
             * @default null
             */
            next?: string | null;
            /** Items */
            items: components["schemas"]["InvitationView"][];
        };
        /**
         * ListedState
         * @description Which folders a list is of.
         * @enum {string}
         */
        ListedState: "live" | "trashed";
        /**
         * Me
         * @description The caller as the service knows them.
         */
        Me: {
            /** Name */
            name: string;
            /**
             * Hub Admin
             * @description True only through the service's own pages.
             */
            hub_admin: boolean;
            /** Teams */
            teams: string[];
            credential: components["schemas"]["Credential"];
            /**
             * Actions
             * @description Service actions this person may do now.
             */
            actions: string[];
        };
        /**
         * Move
         * @description A file or directory's new path inside the same folder; never over something.
         */
        Move: {
            /** Source */
            source: string;
            /** Target */
            target: string;
        };
        /**
         * NewDirectory
         * @description A directory to make; its parent must be there.
         */
        NewDirectory: {
            /** Path */
            path: string;
        };
        /**
         * NewFolder
         * @description A folder to make.
         */
        NewFolder: {
            /** Name */
            name: string;
        };
        /**
         * NewGrant
         * @description One receiver's invitation.
         */
        NewGrant: {
            /**
             * Receiver
             * @description The hub's exact name.
             */
            receiver: string;
            /** @default person */
            receiver_kind?: components["schemas"]["ReceiverKind"];
            /**
             * Level
             * @description A level of the thing's kind.
             */
            level: string;
            /**
             * Ends At
             * @description When it ends by itself; null: never.
             * @default null
             */
            ends_at?: string | null;
        };
        /**
         * NewGrants
         * @description Several invitations at once; each gets a result of its own.
         */
        NewGrants: {
            /** Grants */
            grants: components["schemas"]["NewGrant"][];
        };
        /**
         * PathAsked
         * @description A place in a folder.
         */
        PathAsked: {
            /** Path */
            path: string;
        };
        /**
         * PeopleOfThing
         * @description Who has a thing: its owner, and every pending or live grant.
         */
        PeopleOfThing: {
            /** Owner */
            owner: string;
            /** Grants */
            grants: components["schemas"]["GrantView"][];
        };
        /**
         * PeoplePage
         * @description People found.
         */
        PeoplePage: {
            /**
             * Next
             * @default null
             */
            next?: string | null;
            /** Items */
            items: components["schemas"]["PersonView"][];
        };
        /**
         * PersonView
         * @description A person somebody may invite.
         */
        PersonView: {
            /** Name */
            name: string;
            /**
             * Teams
             * @description The teams shared with the asker.
             */
            teams: string[];
        };
        /**
         * Problem
         * @description RFC 9457. ``rule`` and ``because`` come from the permission tables when they refused.
         */
        Problem: {
            /**
             * Type
             * @description A URI reference that names the kind of problem.
             */
            type: string;
            /** Title */
            title: string;
            /** Status */
            status: number;
            /**
             * Code
             * @description Stable; what programs should look at.
             */
            code: string;
            /**
             * Detail
             * @description A sentence for the person.
             */
            detail: string;
            /**
             * Rule
             * @default null
             */
            rule?: string | null;
            /**
             * Because
             * @default null
             */
            because?: string | null;
            /**
             * Suggestion
             * @description A free name, where a name was taken.
             * @default null
             */
            suggestion?: string | null;
            /**
             * Request Id
             * @default null
             */
            request_id?: string | null;
            /** Errors */
            errors?: components["schemas"]["FieldError"][];
        };
        /**
         * Receiver
         * @description Who receives: a person, a team or a project.
         */
        Receiver: {
            /** @default person */
            kind?: components["schemas"]["ReceiverKind"];
            /** Name */
            name: string;
        };
        /**
         * ReceiverKind
         * @description Who can receive a grant.
         * @enum {string}
         */
        ReceiverKind: "person" | "team" | "project";
        /**
         * Relation
         * @description How the caller stands to a folder.
         * @enum {string}
         */
        Relation: "mine" | "shared_with_me";
        /**
         * Source
         * @description One thing that gives (or gave) a person something on a thing.
         */
        Source: {
            /**
             * Kind
             * @description owner, grant, team_grant, project, …
             */
            kind: string;
            /**
             * Level
             * @default null
             */
            level?: string | null;
            /**
             * Grant Id
             * @default null
             */
            grant_id?: string | null;
            /**
             * Giver
             * @default null
             */
            giver?: string | null;
            /**
             * Receiver
             * @default null
             */
            receiver?: string | null;
            /**
             * Ends At
             * @default null
             */
            ends_at?: string | null;
            /**
             * Live
             * @default true
             */
            live?: boolean;
            /**
             * Ended Why
             * @default null
             */
            ended_why?: string | null;
        };
        /**
         * StreamAsked
         * @description Where the stream begins; the header Last-Event-ID goes before it.
         */
        StreamAsked: {
            /**
             * After
             * @description A position; left out: from now on.
             * @default null
             */
            after?: number | null;
        };
        /**
         * StreamStart
         * @description The data of a stream's first event: ``ready``, or ``reset`` where ``after`` was unknown.
         */
        StreamStart: {
            /**
             * Position
             * @description The newest position.
             */
            position: number;
        };
        /**
         * ThingKind
         * @description What can be shared. The prefix of a thing's id tells its kind.
         * @enum {string}
         */
        ThingKind: "folder" | "machine" | "drive";
        /**
         * ThingState
         * @description Where a thing is in its life.
         * @enum {string}
         */
        ThingState: "live" | "trashed" | "deleting";
        /**
         * UploadAsked
         * @description Where an upload goes.
         */
        UploadAsked: {
            /** Path */
            path: string;
            /**
             * Overwrite
             * @description Replace a file that is there.
             * @default false
             */
            overwrite?: boolean;
        };
        /**
         * Why
         * @description The decision, its rule, and everything it was made from.
         */
        Why: {
            /** Person */
            person: string;
            /** Action */
            action: string;
            /** Thing Id */
            thing_id: string | null;
            /** Allowed */
            allowed: boolean;
            /** Rule */
            rule: string;
            /** Because */
            because: string;
            /** Sources */
            sources: components["schemas"]["Source"][];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
