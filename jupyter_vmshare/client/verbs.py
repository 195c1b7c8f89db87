"""Every route of the service by name, for `Client` and `AsyncClient` alike."""

from __future__ import annotations

from jupyter_vmshare.client.calls import audit as _audit
from jupyter_vmshare.client.calls import clones as _clones
from jupyter_vmshare.client.calls import drives as _drives
from jupyter_vmshare.client.calls import files as _files
from jupyter_vmshare.client.calls import folders as _folders
from jupyter_vmshare.client.calls import glance as _glance
from jupyter_vmshare.client.calls import grants as _grants
from jupyter_vmshare.client.calls import hand_overs as _hand_overs
from jupyter_vmshare.client.calls import machines as _machines
from jupyter_vmshare.client.calls import mounts as _mounts
from jupyter_vmshare.client.calls import people as _people
from jupyter_vmshare.client.calls import projects as _projects
from jupyter_vmshare.client.calls import showing as _showing
from jupyter_vmshare.client.calls import snapshots as _snapshots
from jupyter_vmshare.client.calls import uploads as _uploads
from jupyter_vmshare.client.twins import listing, verb


class Verbs:
    """Methods that send one request each and return the contract's models."""

    me = verb(_people.me)
    people = listing(_people.people)
    teams = verb(_people.teams)
    refresh_teams = verb(_people.refresh_teams)
    why = verb(_people.why)
    holdings = listing(_people.holdings)
    audit = listing(_audit.audit)
    verify_audit = verb(_audit.verify_audit)
    quota = verb(_people.quota)
    set_quota = verb(_people.set_quota)
    reset_quota = verb(_people.reset_quota)

    folders = listing(_folders.folders)
    folder = verb(_folders.folder)
    create_folder = verb(_folders.create_folder)
    rename_folder = verb(_folders.rename_folder)
    choose_alias = verb(_folders.choose_alias)
    trash_folder = verb(_folders.trash_folder)
    restore_folder = verb(_folders.restore_folder)
    leave_folder = verb(_folders.leave_folder)

    clone_folder = verb(_clones.clone_folder)
    clones = listing(_clones.clones)
    clone = verb(_clones.clone)
    give_up_clone = verb(_clones.give_up_clone)
    change_settings = verb(_clones.change_settings)

    snapshots = listing(_snapshots.snapshots)
    snapshot = verb(_snapshots.snapshot)
    take_snapshot = verb(_snapshots.take_snapshot)
    delete_snapshot = verb(_snapshots.delete_snapshot)
    snapshot_entries = listing(_snapshots.snapshot_entries)
    snapshot_download = verb(_snapshots.snapshot_download)
    restore_file = verb(_snapshots.restore_file)
    snapshot_policy = verb(_snapshots.snapshot_policy)
    set_snapshot_policy = verb(_snapshots.set_snapshot_policy)

    people_of = verb(_grants.people_of)
    invite = verb(_grants.invite)
    invite_users = verb(_grants.invite_users)
    invite_managers = verb(_grants.invite_managers)
    stop_sharing = verb(_grants.stop_sharing)
    leave = verb(_grants.leave)
    lineage = verb(_grants.lineage)
    use_drive_elsewhere = verb(_grants.use_drive_elsewhere)
    change_grant = verb(_grants.change_grant)
    revoke = verb(_grants.revoke)
    shares_given = listing(_glance.shares_given)
    shares_received = listing(_glance.shares_received)
    change_grants = verb(_glance.change_grants)
    revoke_grants = verb(_glance.revoke_grants)
    invitations = listing(_grants.invitations)
    accept = verb(_grants.accept)
    decline = verb(_grants.decline)

    hand_overs = listing(_hand_overs.hand_overs)
    take_over = verb(_hand_overs.take_over)
    take_machine_over = verb(_hand_overs.take_machine_over)
    take_drive_over = verb(_hand_overs.take_drive_over)
    refuse_hand_over = verb(_hand_overs.refuse_hand_over)
    cancel_hand_over = verb(_hand_overs.cancel_hand_over)
    leavers_things = listing(_hand_overs.leavers_things)

    sessions = listing(_mounts.sessions)
    mount = verb(_mounts.mount)
    unmount = verb(_mounts.unmount)
    choose_fast = verb(_mounts.choose_fast)
    holders = listing(_mounts.holders)
    stop_holders = verb(_mounts.stop_holders)

    shown_folders = listing(_showing.shown_folders)
    showing = verb(_showing.showing)
    show = verb(_showing.show)
    hide = verb(_showing.hide)

    cloud = verb(_machines.cloud)
    machines = listing(_machines.machines)
    machine = verb(_machines.machine)
    create_machine = verb(_machines.create_machine)
    rename_machine = verb(_machines.rename_machine)
    start_machine = verb(_machines.start_machine)
    stop_machine = verb(_machines.stop_machine)
    reboot_machine = verb(_machines.reboot_machine)
    resize_machine = verb(_machines.resize_machine)
    rebuild_machine = verb(_machines.rebuild_machine)
    console_log = verb(_machines.console_log)
    machine_certificate = verb(_machines.machine_certificate)
    keep_machine_on = verb(_machines.keep_machine_on)
    set_idle_policy = verb(_machines.set_idle_policy)
    detach_from_machine = verb(_machines.detach_from_machine)
    take_machine_snapshot = verb(_machines.take_machine_snapshot)
    machine_snapshots = listing(_machines.machine_snapshots)
    machine_snapshot = verb(_machines.machine_snapshot)
    open_machine_snapshot = verb(_machines.open_machine_snapshot)
    delete_machine_snapshot = verb(_machines.delete_machine_snapshot)

    drives = listing(_drives.drives)
    drive = verb(_drives.drive)
    create_drive = verb(_drives.create_drive)
    open_drive = verb(_drives.open_drive)
    rename_drive = verb(_drives.rename_drive)
    extend_drive = verb(_drives.extend_drive)
    clone_drive = verb(_drives.clone_drive)
    attach_drive = verb(_drives.attach_drive)
    detach_drive = verb(_drives.detach_drive)

    entries = listing(_files.entries)
    entry = verb(_files.entry)
    download = verb(_files.download)
    upload = verb(_files.upload)
    uploads = listing(_uploads.uploads)
    give_up_upload = verb(_uploads.give_up)
    make_directory = verb(_files.make_directory)
    move = verb(_files.move)
    delete_file = verb(_files.delete_file)
    archive = verb(_files.archive)
    move_many = verb(_files.move_many)
    delete_many = verb(_files.delete_many)
    events_page = verb(_files.events_page)

    projects = listing(_projects.projects)
    project = verb(_projects.project)
    request_project = verb(_projects.request_project)
    cancel_project_request = verb(_projects.cancel_project_request)
    create_project = verb(_projects.create_project)
    project_requests = listing(_projects.project_requests)
    approve_project = verb(_projects.approve_project)
    decline_project = verb(_projects.decline_project)
    set_project_quota = verb(_projects.set_project_quota)
    change_project = verb(_projects.change_project)
    members = listing(_projects.members)
    member = verb(_projects.member)
    change_member = verb(_projects.change_member)
    remove_member = verb(_projects.remove_member)
    leave_project = verb(_projects.leave_project)
    tag = verb(_projects.tag)
    project_meters = verb(_projects.project_meters)
    project_machines = listing(_projects.project_machines)
    project_drives = listing(_projects.project_drives)
    project_machine_snapshots = listing(_projects.project_machine_snapshots)
    project_folders = listing(_projects.project_folders)
    create_project_folder = verb(_projects.create_project_folder)
    override_level = verb(_projects.override_level)
    remove_override = verb(_projects.remove_override)
    project_links = listing(_projects.project_links)
    make_project_link = verb(_projects.make_project_link)
    revoke_project_link = verb(_projects.revoke_project_link)
    project_of_link = verb(_projects.project_of_link)
    ask_to_join = verb(_projects.ask_to_join)
    asks = listing(_projects.asks)
    let_in = verb(_projects.let_in)
    turn_away = verb(_projects.turn_away)
    cancel_ask = verb(_projects.cancel_ask)
