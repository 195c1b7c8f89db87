"""What keeps kernels on a machine: it lies on each as ``/usr/local/lib/vmshare_kernels``.

``python3 -IS /usr/local/lib/vmshare_kernels`` does one of these, as the person's own account:

``new KERNEL SESSION SECONDS SIZE``  a supervisor that lives on by itself with the kernel that an
                                     order of so many bytes on stdin asks for, and its channel
``attach KERNEL SESSION``            the channel of one that is there
``list``                             the person's kernels here, and which ones could be started

With Python alone: nothing has to be installed for it. `stream` and `carrying` are the other end's
as well, which is the provisioner in a notebook server.
"""
