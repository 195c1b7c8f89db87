"""Virtual machines of this host, under QEMU; how it hangs together is in the documentation.

``image`` builds what they start from, ``inside`` is what lies in it, ``keeper`` is what runs as
root, and ``client`` how the service orders from it. Orders, records and kills are those of
``cloud.keeper``; what differs is behind its ``hands``:

* One shim a machine starts QEMU, in a network namespace and as an id of the host that is the
  machine's alone, with descriptors for all files. It is the machine's door and keeps its console.
  QEMU outlives shim and keeper; a keeper that starts puts a shim beside each QEMU that has none.
* On the disk: ``machines/qvm-…/`` with ``record.json`` (what was ordered, what is under way),
  ``disk.qcow2`` (over the image's ``disk.raw``), ``process.json``, ``console.log``, ``told`` (the
  host key as the machine told it) and ``shim.lock``; ``drives/dsk-…/drive.ext4``, raw;
  ``snapshots/snp-…/disk.qcow2``, over the same image.
* Marks are in the records, as for every keeper. In QEMU a drive's node is called as the drive, its
  device ``dev-…``, a copy's job ``copy-…`` and its target ``to-…``: each step looks for them first.
"""
