"""Kernels on machines, as if they were local.

``provisioner``  what Jupyter starts, interrupts and ends a kernel with
``remote``       one kernel: local sockets, carried over whatever link there is
``channel``      how a machine is reached: the port, which ``reaching`` does through the relay
``specs``        the kernels of machines among those that the notebook server offers
"""
